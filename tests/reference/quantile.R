# Known answers for quantile_regression: writes engel.csv and quantile.json.
# Reads mtcars.csv.

suppressPackageStartupMessages(library(quantreg))
source("common.R")

data(engel, package = "quantreg")
write.csv(engel, "engel.csv", row.names = FALSE, quote = FALSE)
cars <- read.csv("mtcars.csv")

one <- function(formula, data, tau, weights = NULL) {
  data$.w <- if (is.null(weights)) rep(1, nrow(data)) else weights
  fit <- if (is.null(weights)) rq(formula, tau, data)
         else rq(formula, tau, data, weights = .w)
  out <- list(tau = tau, coefficients = unname(coef(fit)), rho = fit$rho,
              nid = unname(summary(fit, se = "nid", covariance = TRUE)$cov))
  if (is.null(weights)) {
    out$iid <- unname(summary(fit, se = "iid", covariance = TRUE)$cov)
    null <- rq(update(formula, . ~ 1), tau, data)
    out$r1 <- 1 - fit$rho / null$rho
  }
  out
}

taus <- c(0.1, 0.3, 0.5, 0.7, 0.9)
joint <- function(formula, data, taus) {
  fits <- lapply(taus, function(t) rq(formula, t, data))
  as_row <- function(t) unname(as.matrix(t$table))
  list(taus = taus,
       all = as_row(do.call(anova, fits)),
       each = as_row(do.call(anova, c(fits, joint = FALSE))))
}

set.seed(1)
weights <- 0.5 + runif(nrow(engel))
engel$log_income <- log(engel$income)

# A thousand rows, eight columns: large enough for the preprocessing to matter.
set.seed(5)
n <- 3000
wide <- data.frame(matrix(round(rnorm(7 * n), 6), n))
names(wide) <- paste0("x", 1:7)
wide$y <- round(with(wide, 1 + x1 - x2 + (1 + 0.5 * abs(x3)) * rt(n, 4)), 6)
write.csv(wide, "quantile_wide.csv", row.names = FALSE, quote = FALSE)
wide_formula <- y ~ x1 + x2 + x3 + x4 + x5 + x6 + x7

write_reference(list(
  engel = lapply(taus, function(t) one(foodexp ~ income, engel, t)),
  engel_two = lapply(taus, function(t) one(foodexp ~ income + log_income, engel, t)),
  engel_weights = weights,
  engel_weighted = lapply(taus, function(t) one(foodexp ~ income, engel, t, weights)),
  wide = lapply(taus, function(t) one(wide_formula, wide, t)),
  equality = joint(foodexp ~ income, engel, c(0.3, 0.5, 0.7, 0.9)),
  equality_two = joint(foodexp ~ income + log_income, engel, c(0.25, 0.5, 0.75))
), "quantile.json", "quantreg")
