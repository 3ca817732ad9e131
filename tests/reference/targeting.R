# Known answers for targeting, partial_correlation, frequencies and concentration:
# writes targeting.json. Reads rossi.csv and binary.csv.

suppressPackageStartupMessages({
  library(survey)
})
source("common.R")

close_to <- function(a, b, tolerance = 1e-10) {
  stopifnot(isTRUE(all.equal(as.numeric(a), as.numeric(b), tolerance = tolerance)))
}

# ---- partial correlations ----------------------------------------------------

men <- read.csv("rossi.csv")

partial <- function(d, x, y, given) {
  left <- residuals(lm(reformulate(given, x), d))
  right <- residuals(lm(reformulate(given, y), d))
  r <- cor(left, right)
  # The same from the inverse of the correlation matrix.
  P <- solve(cor(d[c(x, y, given)]))
  close_to(r, -P[1, 2] / sqrt(P[1, 1] * P[2, 2]))
  n <- nrow(d); k <- length(given); df <- n - 2 - k
  t <- r * sqrt(df / (1 - r^2))
  # And the t of y on x and what is held fixed.
  close_to(t, summary(lm(reformulate(c(x, given), y), d))$coefficients[x, 3])
  z <- atanh(r) + c(-1, 1) * qnorm(.975) / sqrt(n - 3 - k)
  c(r, t, df, 2 * pt(-abs(t), df), tanh(z))
}

y <- c("week", "prio", "mar", "paro")
given <- c("race", "wexp")
rows <- t(sapply(y, function(name) partial(men, "age", name, given)))
ranks <- as.data.frame(lapply(men[c("age", y, given)], rank))
spearman <- t(sapply(y, function(name) partial(ranks, "age", name, given)))

plain <- cor.test(men$age, men$week)
paper_r <- c(-.676, -.644, -.663, -.551, -.557, -.541, -.028, -.499)
paper_t <- paper_r * sqrt(69 / (1 - paper_r^2))

partials <- list(
  x = "age", y = y, given = given,
  pearson = unname(rows), spearman = unname(spearman),
  holm = p.adjust(rows[, 4], "holm"), bh = p.adjust(rows[, 4], "BH"),
  zero_order = c(plain$estimate, plain$p.value, plain$conf.int),
  paper = list(r = paper_r, p = 2 * pt(-abs(paper_t), 69))
)

# ---- shares and differences ----------------------------------------------------

wilson <- function(x, n) {
  found <- as.numeric(prop.test(x, n, correct = FALSE)$conf.int)
  z <- qnorm(.975); p <- x / n
  closed <- (p + z^2 / (2 * n) + c(-1, 1) * z * sqrt(p * (1 - p) / n + z^2 / (4 * n^2))) /
    (1 + z^2 / n)
  close_to(found, closed)
  found
}
pairs <- rbind(c(56, 70, 48, 80), c(9, 10, 3, 10), c(10, 10, 0, 10), c(59, 59, 10, 14))
newcombe <- apply(pairs, 1, function(p) {
  a <- suppressWarnings(wilson(p[1], p[2])); b <- suppressWarnings(wilson(p[3], p[4]))
  d <- p[1] / p[2] - p[3] / p[4]
  c(d - sqrt((p[1] / p[2] - a[1])^2 + (b[2] - p[3] / p[4])^2),
    d + sqrt((a[2] - p[1] / p[2])^2 + (p[3] / p[4] - b[1])^2))
})
shares <- list(
  pairs = pairs, newcombe = t(newcombe),
  wilson = rbind(wilson(59, 73), wilson(4, 73), suppressWarnings(wilson(0, 14))),
  mcnemar = c(binom.test(3, 14)$p.value, binom.test(0, 5)$p.value),
  fisher = fisher.test(rbind(c(9, 1), c(3, 7)))$p.value
)

# ---- targeting under a design ---------------------------------------------------

h <- read.csv("binary.csv", colClasses = c(unit_id = "character"))
h$member <- as.integer(h$x2 == 1)
h$w <- h$sampling_weight
h$np <- 1 - h$poor
h$money <- ifelse(h$member == 1, exp(h$x1), 0)

terms_of <- function(design) {
  both <- function(num, den) {
    found <- svyratio(num, den, design)
    c(as.numeric(coef(found)), as.numeric(SE(found)))
  }
  cover <- both(~I(member * poor), ~poor)
  include <- both(~I(member * np), ~np)
  # Differences and ratios of ratios by svycontrast on all totals.
  totals <- svytotal(~I(member * poor) + poor + I(member * np) + np + member +
                     I(money * poor) + money + I(np + poor), design)
  names(totals) <- c("mp", "p", "mn", "n", "m", "paidp", "paid", "all")
  attr(totals, "var") <- `dimnames<-`(vcov(totals), list(names(totals), names(totals)))
  of <- function(expression) {
    found <- svycontrast(totals, expression)
    c(as.numeric(coef(found)), as.numeric(SE(found)))
  }
  list(
    by_region = {
      found <- svyby(~I(member * poor), ~region, denominator = ~poor, design = design,
                     svyratio)
      list(region = as.character(found$region), coverage = as.numeric(coef(found)),
           se = as.numeric(SE(found)))
    },
    poverty_rate = of(quote(p / all)), participation = of(quote(m / all)),
    coverage = cover, exclusion_error = of(quote(1 - mp / p)),
    inclusion_error = include, leakage = both(~I(member * np), ~member),
    differential = of(quote(mp / p - mn / n)),
    cgh = of(quote((mp / m) / (p / all))),
    leakage_of_amount = of(quote(1 - paidp / paid)),
    cgh_of_amount = of(quote((paidp / paid) / (p / all)))
  )
}

designs <- list(
  plain = svydesign(~1, weights = ~one, data = transform(h, one = 1)),
  weighted = svydesign(~1, weights = ~w, data = h),
  cluster = svydesign(~unit_id, weights = ~w, data = h)
)
targeted <- lapply(designs, terms_of)

# ---- concentration ---------------------------------------------------------------

# The published formula (Kakwani, Wagstaff & van Doorslaer 1997): no ties, no weights.
kwvd <- function(h, y) {
  n <- length(h); h <- h[order(y)]; R <- (seq_len(n) - .5) / n; mu <- mean(h)
  C <- 2 / (n * mu) * sum(h * R) - 1
  # The slope of the convenient regression is the same index.
  d <- data.frame(left = 2 * mean((R - mean(R))^2) * h / mu, R = R)
  close_to(C, coef(lm(left ~ R, d))[["R"]])
  q <- cumsum(h) / (n * mu)
  a <- h / mu * (2 * R - 1 - C) + 2 - c(0, q[-n]) - q
  c(C, sqrt((mean(a^2) - (1 + C)^2) / n))
}
y_cont <- h$x1 + 1e-9 * seq_len(nrow(h))
index <- function(h, y, w) {
  share <- w / sum(w)
  R <- sapply(y, function(v) sum(share[y < v]) + sum(share[y == v]) / 2)
  mu <- sum(share * h)
  2 * sum(share * h * (R - .5)) / mu
}
# Under a design: derivatives by each weight, numerically, then the design's variance.
some <- h[seq(1, nrow(h), by = 4), ]
some$rank_by <- round(some$x1, 1)  # ties
numeric_se <- function(kind) {
  f <- function(w) {
    C <- index(some$money, some$rank_by, w)
    if (kind == "standard") return(C)
    mu <- sum(w * some$member) / sum(w)
    C <- index(some$member, some$rank_by, w)
    if (kind == "erreygers") 4 * mu * C else C / (1 - mu)
  }
  step <- 1e-4
  slope <- sapply(seq_len(nrow(some)), function(i) {
    e <- step * some$w[i]
    at <- function(m) { w <- some$w; w[i] <- w[i] + m * e; f(w) }
    (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * e)
  })
  design <- svydesign(~unit_id, weights = ~w, data = some)
  V <- svyrecvar(slope * some$w, design$cluster, design$strata, design$fpc)
  c(f(some$w), sqrt(as.numeric(V)))
}
concentrated <- list(
  kwvd = kwvd(h$money, y_cont),
  kwvd_yes_no = kwvd(h$member, y_cont),
  standard = numeric_se("standard"),
  erreygers = numeric_se("erreygers"),
  wagstaff = numeric_se("wagstaff")
)

# ---- weighted frequencies --------------------------------------------------------

cluster <- designs$cluster
found <- svymean(~factor(member), cluster)
frequency <- list(share = as.numeric(coef(found)), se = as.numeric(SE(found)))

write_reference(
  list(
    notes = c(
      "member: x2 is 1; money: exp(x1) of members; w: sampling_weight, of binary.csv",
      "each term is estimate and standard error; concentration under a design on rows 1, 5, 9, ... ranked by x1 rounded to one digit"
    ),
    partial = partials, shares = shares, targeting = targeted,
    concentration = concentrated, frequency = frequency
  ),
  "targeting.json", "survey"
)
