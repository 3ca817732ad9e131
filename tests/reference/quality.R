# Known answers for the fit of logit and probit: writes quality.json.
# Reads binary.csv (simulate_binary.R makes it) and mtcars.csv.

suppressPackageStartupMessages({
  library(pROC)
  library(lmtest)
})
source("common.R")

households <- read.csv("binary.csv", colClasses = c(unit_id = "character"))
cars <- read.csv("mtcars.csv")

fit <- function(formula, data, link) {
  suppressWarnings(glm(formula, binomial(link), data,
                       control = glm.control(epsilon = 1e-14, maxit = 100)))
}

# One row of a confusion table: a probability of at least `at` is taken for a 1.
confusion <- function(y, p, at) {
  guess <- p >= at * (1 - 1e-9)
  named(c(threshold = at,
          true_positive = sum(guess & y == 1), false_positive = sum(guess & y == 0),
          true_negative = sum(!guess & y == 0), false_negative = sum(!guess & y == 1)))
}

# Youden's threshold: pROC gives the middle between two probabilities; the least
# probability at or above it is the same rule.
youden <- function(curve, p) {
  best <- coords(curve, "best", best.method = "youden", ret = "threshold",
                 transpose = FALSE)$threshold
  min(p[p >= min(best)])
}

# Tenths of the probability: the i-th of n rows is in tenth floor(10 (i - 1/2) / n),
# equal probabilities in the tenth of their mean rank.
calibration <- function(y, p) {
  tenth <- floor(10 * (rank(signif(p, 12)) - 0.5) / length(p))
  lapply(unname(split(seq_along(p), tenth)), function(i) {
    interval <- prop.test(sum(y[i]), length(i), correct = FALSE)$conf.int
    named(c(rows = length(i), predicted = mean(p[i]), observed = mean(y[i]),
            conf_low = interval[1], conf_high = interval[2]))
  })
}

quality <- function(formula, data, link) {
  model <- fit(formula, data, link)
  y <- model$y
  p <- signif(fitted(model), 12)
  curve <- roc(y, p, direction = "<", levels = c(0, 1), quiet = TRUE)
  test <- lrtest(model, fit(update(formula, . ~ 1), data, link))
  line <- fit(y ~ index, data.frame(y = y, index = qlogis(fitted(model))), "logit")
  list(
    formula = deparse(formula), link = link,
    facts = named(c(
      likelihood_ratio = test$Chisq[2], likelihood_ratio_df = -test$Df[2],
      likelihood_ratio_p = test[["Pr(>Chisq)"]][2],
      pseudo_r_squared_adjusted = 1 - as.numeric(
        (logLik(model) - length(coef(model))) / (-model$null.deviance / 2)),
      auc = as.numeric(auc(curve)),
      auc_std_error = sqrt(var(curve, method = "delong")),
      brier_score = mean((y - p)^2),
      tjur_r_squared = mean(p[y == 1]) - mean(p[y == 0]),
      calibration_intercept = coef(line)[[1]], calibration_slope = coef(line)[[2]]
    )),
    confusion = list(confusion(y, p, 0.5), confusion(y, p, mean(y)),
                     confusion(y, p, youden(curve, p))),
    # prop.test warns of small groups for its test; only the interval is read.
    calibration = suppressWarnings(calibration(y, p))
  )
}

# With weights, by a loop over all pairs: no package has them. The standard error
# is DeLong's with each row's share of weight in place of 1 / m.
weighted <- function(formula, data) {
  w <- data$sampling_weight / mean(data$sampling_weight)
  data$share <- w
  model <- suppressWarnings(glm(formula, binomial, data, weights = share,
                                control = glm.control(epsilon = 1e-14)))
  y <- model$y
  p <- signif(fitted(model), 12)
  one <- y == 1
  above <- outer(p[one], p[!one], function(a, b) (a > b) + (a == b) / 2)
  share1 <- w[one] / sum(w[one])
  share0 <- w[!one] / sum(w[!one])
  v10 <- as.vector(above %*% share0)
  v01 <- as.vector(share1 %*% above)
  area <- sum(share1 * v10)
  m <- sum(one)
  n <- sum(!one)
  variance <- m / (m - 1) * sum(share1^2 * (v10 - area)^2) +
    n / (n - 1) * sum(share0^2 * (v01 - area)^2)
  guess <- p >= 0.5
  list(
    formula = deparse(formula), link = "logit",
    facts = named(c(
      auc = area, auc_std_error = sqrt(variance),
      brier_score = weighted.mean((y - p)^2, w),
      tjur_r_squared = weighted.mean(p[one], w[one]) - weighted.mean(p[!one], w[!one])
    )),
    confusion = list(named(c(
      threshold = 0.5, true_positive = sum(w[guess & one]),
      false_positive = sum(w[guess & !one]), true_negative = sum(w[!guess & !one]),
      false_negative = sum(w[!guess & one])
    )))
  )
}

# The loop is DeLong's when all weights are 1.
unit <- transform(households, sampling_weight = 1)
full <- poor ~ x1 + x2 + region + clusters
plain <- quality(full, households, "logit")
stopifnot(all.equal(weighted(full, unit)$facts$auc_std_error,
                    plain$facts$auc_std_error, tolerance = 1e-12))

write_reference(list(
  notes = list(
    auc_std_error = "pROC, method delong: rows independent.",
    ties = "Probabilities rounded to 12 digits, so that equal rows are equal.",
    youden = "Threshold: the least probability at or above that of pROC.",
    calibration = "Tenths by rank; prop.test without continuity correction (Wilson).",
    weighted = "A loop over all pairs; weights scaled to mean 1."
  ),
  fits = list(
    households_logit = plain,
    households_probit = quality(full, households, "probit"),
    tied_logit = quality(poor ~ region, households, "logit"),
    mtcars_logit = quality(am ~ wt + hp, cars, "logit"),
    mtcars_probit = quality(am ~ wt + hp, cars, "probit"),
    households_weighted_logit = weighted(full, households)
  )
), "quality.json", c("pROC", "lmtest", "jsonlite"))
