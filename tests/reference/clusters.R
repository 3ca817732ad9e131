# Known answers for clusters, groups and scans: writes clusters.json and clusters.csv.
# No package of R in Debian has the indices: they are computed here firm by firm, with
# loops over units and plants as the papers define them, and the variance of Ellison
# and Glaeser's G by going through every way the plants could have fallen.

source("common.R")
set.seed(20240611, kind = "Mersenne-Twister", normal.kind = "Inversion")

# A made-up census: 8 units, 7 codes of 4 digits; firms of an industry flock together.
codes <- c("0810", "1310", "1320", "1713", "1714", "3411", "3460")
units <- sprintf("%02d", 1:8)
n <- 400
industry <- sample(codes, n, TRUE, prob = c(1, 3, 2, 4, 3, 3, 2))
home <- setNames(sample(8, length(codes), TRUE), codes)
unit <- ifelse(runif(n) < 0.35, home[industry], sample(8, n, TRUE))
firms <- data.frame(unit_id = units[unit], industry = industry,
                    employees = ceiling(rlnorm(n, 2.5, 1)),
                    output = round(rlnorm(n, 4, 1.2), 2))
write.csv(firms, "clusters.csv", row.names = FALSE, quote = FALSE)

quotients <- function(value, group) {
  table <- tapply(value, list(firms$unit_id, group), sum, default = 0)
  table / rowSums(table) / rep(colSums(table) / sum(table), each = nrow(table))
}

profile <- function(s, x) {
  c(herfindahl = sum(s^2), krugman = sum(abs(s - x)),
    theil = sum(ifelse(s > 0, s * log(s / x), 0)))
}

index <- function(value, group, code) {
  x <- tapply(value, firms$unit_id, sum) / sum(value)
  own <- group == code
  s <- tapply(value * own, firms$unit_id, sum) / sum(value[own])
  z <- value[own] / sum(value[own])
  H <- sum(z^2)
  G <- sum((s - x)^2)
  gamma <- (G - (1 - sum(x^2)) * H) / ((1 - sum(x^2)) * (1 - H))
  variance <- 2 * (H^2 * (sum(x^2) - 2 * sum(x^3) + sum(x^2)^2) -
                     sum(z^4) * (sum(x^2) - 4 * sum(x^3) + 3 * sum(x^2)^2))
  named(c(firms = sum(own), units_with = sum(s > 0), profile(s, x),
          plant_herfindahl = H, raw_concentration = G, ellison_glaeser = gamma,
          std_error = sqrt(variance) / ((1 - sum(x^2)) * (1 - H))))
}

specialisation <- function(value, group, unit) {
  x <- tapply(value, group, sum) / sum(value)
  own <- firms$unit_id == unit
  s <- tapply(value * own, group, sum) / sum(value[own])
  named(c(industries = sum(s > 0), profile(s, x)))
}

# Mean and variance of G under chance, by enumeration of 3^4 ways to place 4 plants.
enumerated <- function(z, x) {
  ways <- as.matrix(expand.grid(rep(list(seq_along(x)), length(z))))
  G <- apply(ways, 1, function(at) {
    sum((sapply(seq_along(x), function(i) sum(z[at == i])) - x)^2)
  })
  chance <- apply(ways, 1, function(at) prod(x[at]))
  list(z = z, x = x, mean = sum(chance * G),
       variance = sum(chance * G^2) - sum(chance * G)^2)
}

clusters <- function(group, min_quotient, min_firms, min_employees) {
  q <- quotients(firms$employees, group)
  count <- table(firms$unit_id, group)
  size <- tapply(firms$employees, list(firms$unit_id, group), sum, default = 0)
  rowSums(q >= min_quotient & count >= min_firms & size >= min_employees)
}

at <- function(level) substr(firms$industry, 1, level)
levels <- c(2, 3, 4)
by_level <- function(f) setNames(lapply(levels, f), levels)
each <- function(names, f) setNames(lapply(names, f), names)

# A logit in each region, and the Wald test that slopes agree, with all contrasts in
# one matrix.
households <- read.csv("binary.csv", colClasses = c(unit_id = "character"))
regions <- sort(unique(households$region))
fits <- lapply(regions, function(r) {
  glm(poor ~ x1 + x2, binomial, households[households$region == r, ],
      control = glm.control(epsilon = 1e-14))
})
wald <- function(terms) {
  g <- length(fits)
  k <- length(terms)
  b <- unlist(lapply(fits, function(f) coef(f)[terms]))
  V <- matrix(0, g * k, g * k)
  for (i in seq_len(g)) {
    here <- (i - 1) * k + seq_len(k)
    V[here, here] <- vcov(fits[[i]])[terms, terms]
  }
  R <- kronecker(cbind(diag(g - 1), -1), diag(k))
  statistic <- drop(t(R %*% b) %*% solve(R %*% V %*% t(R)) %*% (R %*% b))
  df <- (g - 1) * k
  named(c(statistic = statistic, df = df,
          p_value = pchisq(statistic, df, lower.tail = FALSE)))
}

# The closed form of the variance is right where all ways can be counted.
chance <- enumerated(c(0.4, 0.3, 0.2, 0.1), c(0.5, 0.3, 0.2))
stopifnot(with(chance, {
  form <- 2 * (sum(z^2)^2 * (sum(x^2) - 2 * sum(x^3) + sum(x^2)^2) -
                 sum(z^4) * (sum(x^2) - 4 * sum(x^3) + 3 * sum(x^2)^2))
  all.equal(c(mean, variance), c((1 - sum(x^2)) * sum(z^2), form), tolerance = 1e-12)
}))

p <- c(0.04, 0.0004, 0.6, 0.012, NA, 0.012, 1, 0.0021, 0.033, 0.049)
write_reference(list(
  notes = list(
    firms = "Made up, for no real place.",
    std_error = "Ellison & Glaeser (1997), the law of G if plants choose by chance.",
    enumerated = "Mean and variance of G over every way to place the plants.",
    equality = "Wald tests on logits by region, inverse information."
  ),
  quotients = each(c("employees", "output"), function(m) by_level(function(level) {
    q <- quotients(firms[[m]], at(level))
    list(units = rownames(q), codes = I(colnames(q)), quotient = unname(q))
  })),
  industries = each(c("employees", "output"), function(m) by_level(function(level) {
    each(sort(unique(at(level))), function(c) index(firms[[m]], at(level), c))
  })),
  units = by_level(function(level) {
    each(units, function(u) specialisation(firms$employees, at(level), u))
  }),
  clusters = by_level(function(level) named(clusters(at(level), 1.25, 5, 50), units)),
  enumerated = chance,
  p_adjust = list(p = p, holm = p.adjust(p, "holm"), bh = p.adjust(p, "BH")),
  equality = list(regions = regions, x1 = wald("x1"),
                  slopes = wald(c("x1", "x2")), all = wald(c("(Intercept)", "x1", "x2")))
), "clusters.json", "jsonlite")
