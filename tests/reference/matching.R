# Known answers for propensity-score matching: writes matching.json.
# Reads lalonde.csv, the table of that name in R's MatchIt (614 rows, 185 treated).

suppressPackageStartupMessages(library(Matching))
source("common.R")

data <- read.csv("lalonde.csv", row.names = 1)
covariates <- c("age", "educ", "black", "hispan", "married", "nodegree", "re74", "re75")
treated <- data$treat == 1

# glm stops when the deviance stands still; Newton steps settle the last digits.
fit_score <- function(names, link, weight = rep(1, nrow(data))) {
  X <- cbind("(Intercept)" = 1, as.matrix(data[names]))
  scale <- sqrt(colMeans(X^2))
  Z <- sweep(X, 2, scale, "/")
  q <- 2 * data$treat - 1
  start <- suppressWarnings(glm(data$treat ~ Z - 1, quasibinomial(link), weights = weight))
  beta <- coef(start)
  for (step in 1:10) {
    index <- q * as.vector(Z %*% beta)
    if (link == "probit") {
      u <- exp(dnorm(index, log = TRUE) - pnorm(index, log.p = TRUE))
      curve <- u * (u + index)
    } else {
      u <- plogis(-index)
      curve <- u * (1 - u)
    }
    beta <- beta + solve(crossprod(Z, weight * curve * Z), crossprod(Z, weight * q * u))
  }
  index <- as.vector(Z %*% beta)
  cdf <- if (link == "probit") pnorm else plogis
  share <- sum(weight * data$treat) / sum(weight)
  ll <- sum(weight * cdf(q * index, log.p = TRUE))
  null <- sum(weight) * (share * log(share) + (1 - share) * log(1 - share))
  stopifnot(max(abs(beta - coef(start))) < 1e-3, abs(ll + start$deviance / 2) < 1e-6)
  list(coefficients = setNames(as.vector(beta) / scale, colnames(X)), index = index,
       summary = list(lr = 2 * (ll - null), pseudo_r_squared = 1 - ll / null,
                      log_likelihood = ll))
}
model <- fit_score(covariates, "probit")
# Equal households must have equal scores: rounding makes them so.
score <- round(pnorm(model$index), 13)

# ---- effects and standard errors by plain formulas ---------------------------

summarised <- function(W, y, here = treated) {
  on <- rowSums(W) > 0
  W <- W[on, , drop = FALSE] / rowSums(W[on, , drop = FALSE])
  weight <- colSums(W)
  gain <- y[here][on] - as.vector(W %*% y[!here])
  n1 <- sum(on)
  s1 <- var(y[here][on])
  se <- function(s0) sqrt(s1 / n1 + s0 * sum(weight^2) / n1^2)
  list(att = mean(gain), se_matched = se(var(y[!here][weight > 0])),
       se_controls = se(var(y[!here])), n_treated = n1,
       effective_controls = sum(weight)^2 / sum(weight^2))
}
distance <- outer(score[treated], score[!treated], "-")
nearest <- function(k, ties, d = abs(distance)) {
  t(apply(d, 1, function(row) {
    last <- sort(row)[k]
    if (ties == "all") return(as.numeric(row <= last + 1e-12))
    near <- order(row > last - 1e-12, row > last + 1e-12, seq_along(row))[1:k]
    as.numeric(seq_along(row) %in% near)
  }))
}
u <- function(h) distance / h
kernels <- list(
  normal = function(h) dnorm(u(h)),
  epanechnikov = function(h) pmax(1 - u(h)^2, 0),
  uniform = function(h) 1 * (abs(u(h)) <= 1),
  tricube = function(h) pmax(1 - abs(u(h))^3, 0)^3,
  biweight = function(h) pmax(1 - u(h)^2, 0)^2
)
y <- data$re78
ways <- list(
  one_first = summarised(nearest(1, "first"), y),
  one_all = summarised(nearest(1, "all"), y),
  four_first = summarised(nearest(4, "first"), y),
  four_all = summarised(nearest(4, "all"), y),
  caliper = summarised(nearest(1, "all") * (abs(distance) <= 0.001), y),
  radius = summarised(1 * (abs(distance) <= 0.01), y),
  kernels = lapply(kernels, function(k) summarised(k(0.06), y))
)

# ---- Abadie & Imbens (2006), score taken as known: the package Matching -------

abadie_imbens <- function(k, own) {
  found <- Match(y, data$treat, score, M = k, ties = TRUE, Var.calc = own,
                 distance.tolerance = 1e-11)
  list(att = as.numeric(found$est), se = as.numeric(found$se))
}
known_score <- list()
for (k in c(1, 4)) for (own in 1:3) {
  known_score[[paste(k, own, sep = "_")]] <- abadie_imbens(k, own)
}
stopifnot(abs(known_score[["1_1"]]$att - ways$one_all$att) < 1e-9,
          abs(known_score[["4_2"]]$att - ways$four_all$att) < 1e-9)

# ---- balance before and after the normal kernel --------------------------------

W <- kernels$normal(0.06)
weight <- rep(1, nrow(data))
weight[!treated] <- colSums(W / rowSums(W))
moments <- function(x, w, here) {
  m <- sum(w[here] * x[here]) / sum(w[here])
  c(n = sum(w[here]), mean = m, var = sum(w[here] * (x[here] - m)^2) / (sum(w[here]) - 1))
}
compared <- function(x, w) {
  a <- moments(x, w, treated)
  b <- moments(x, w, !treated)
  spread <- sqrt((var(x[treated]) + var(x[!treated])) / 2)
  # A regression on the treatment with importance weights.
  df <- a[["n"]] + b[["n"]] - 2
  pooled <- ((a[["n"]] - 1) * a[["var"]] + (b[["n"]] - 1) * b[["var"]]) / df
  t <- (a[["mean"]] - b[["mean"]]) / sqrt(pooled * (1 / a[["n"]] + 1 / b[["n"]]))
  list(mean_treated = a[["mean"]], mean_control = b[["mean"]],
       bias = 100 * (a[["mean"]] - b[["mean"]]) / spread, t = t,
       p = 2 * pt(-abs(t), df), variance_ratio = a[["var"]] / b[["var"]])
}
joint <- function(w) {
  fit <- fit_score(covariates, "probit", w)
  a <- moments(fit$index, w, treated)
  b <- moments(fit$index, w, !treated)
  c(fit$summary, list(
    rubin_b = 100 * abs(a[["mean"]] - b[["mean"]]) / sqrt((a[["var"]] + b[["var"]]) / 2),
    rubin_r = a[["var"]] / b[["var"]]))
}
ones <- rep(1, nrow(data))
of_each <- function(w) {
  lapply(setNames(covariates, covariates), function(n) compared(data[[n]], w))
}
mean_bias <- function(w) mean(abs(vapply(of_each(w), function(x) x$bias, 0)))
stopifnot(abs(of_each(ones)$age$t - t.test(age ~ !treat, data, var.equal = TRUE)$statistic)
          < 1e-9)

# ---- hidden bias: Rosenbaum's bounds ----------------------------------------------

pairs <- nearest(1, "all")
gain <- y[treated] - as.vector(pairs %*% y[!treated]) / rowSums(pairs)
bounds <- function(gamma) {
  signed <- gain[gain != 0]
  rank <- rank(abs(signed))
  above <- sum(rank[signed > 0])
  walsh <- sort(outer(gain, gain, "+")[upper.tri(diag(length(gain)), diag = TRUE)] / 2)
  tail <- function(statistic, p) {
    pnorm((statistic - p * sum(rank)) / sqrt(p * (1 - p) * sum(rank^2)), lower = FALSE)
  }
  middle <- function(share) {
    at <- round(share * length(walsh), 6)
    mean(walsh[c(ceiling(at), floor(at) + 1)])
  }
  high <- gamma / (1 + gamma)
  list(p_above_low = tail(above, 1 - high), p_above_high = tail(above, high),
       p_below_low = tail(sum(rank) - above, 1 - high),
       p_below_high = tail(sum(rank) - above, high),
       effect_low = middle(1 - high), effect_high = middle(high))
}
plain <- suppressWarnings(wilcox.test(gain, alternative = "greater", correct = FALSE))
stopifnot(abs(plain$p.value - bounds(1)$p_above_high) < 2e-3)

# ---- matching on a score of the base period, for differences in differences ---------

base <- fit_score(setdiff(covariates, "re75"), "probit")
base_score <- pnorm(base$index)
W0 <- dnorm(outer(base_score[treated], base_score[!treated], "-") / 0.06)
before_after <- lapply(list(before = data$re75, after = data$re78),
                       function(v) summarised(W0, v)$att)

two <- summary(lm(re78 ~ treat, data))$coefficients[2, 1:2]
logit <- fit_score(covariates, "logit")
write_reference(list(
  notes = paste("All 185 treated rows are used (no common support). se_matched and",
                "se_controls: psmatch2's formula with the variance of matched or of all",
                "controls. abadie_imbens: key 'neighbours_neighbours of its own arm'."),
  score = c(list(coefficients = named(model$coefficients)), model$summary),
  logit = c(list(coefficients = named(logit$coefficients)), logit$summary),
  unmatched = list(difference = two[[1]], se = two[[2]]),
  ways = ways,
  abadie_imbens = known_score,
  balance = list(unmatched = of_each(ones), matched = of_each(weight),
                 mean_bias = list(unmatched = mean_bias(ones), matched = mean_bias(weight)),
                 joint = list(unmatched = joint(ones), matched = joint(weight))),
  bounds = lapply(setNames(c(1, 1.5, 2), c("1.0", "1.5", "2.0")), bounds),
  before_after = before_after
), "matching.json", "Matching")
