# Known answers for accelerated failure time models: writes aft.json from rossi.csv
# (see cox.R).

suppressPackageStartupMessages(library(survival))
source("common.R")

rossi <- read.csv("rossi.csv")
# Made up: weights, and exits known only up to intervals of 8 or 13 weeks.
rossi$weight <- 0.5 + (seq_len(nrow(rossi)) * 3) %% 5 / 2
rossi$step <- ifelse(seq_len(nrow(rossi)) %% 3 == 0, 13, 8)
start <- floor((rossi$week - 1) / rossi$step) * rossi$step
rossi$low <- ifelse(rossi$arrest == 1, start, rossi$week)
rossi$high <- ifelse(rossi$arrest == 1, start + rossi$step, NA)
right <- "fin + age + race + wexp + mar + paro + prio"
laws <- c("weibull", "lognormal", "loglogistic")
tight <- survreg.control(rel.tolerance = 1e-13, maxiter = 500)
times <- c(5, 20, 52)

fitted_by <- function(left, law, ...) do.call(survreg, list(
  as.formula(paste(left, "~", right)), rossi, dist = law, control = tight, ...))

# survreg tells nothing of survival itself: the law at the standardised log time.
survival_at <- function(law, z) switch(law,
  weibull = exp(-exp(z)), lognormal = pnorm(-z), loglogistic = plogis(-z))

described <- function(left, law, ...) {
  fit <- fitted_by(left, law, ...)
  rows <- c(1, 100, 400)
  eta <- fit$linear.predictors[rows]
  list(coefficients = unname(c(coef(fit), log(fit$scale))),
       std_errors = unname(sqrt(diag(vcov(fit)))), vcov = unname(vcov(fit)),
       log_likelihood = fit$loglik[2], log_likelihood_null = fit$loglik[1],
       aic = AIC(fit),
       survival = unname(survival_at(law, outer(-eta, log(times), "+") / fit$scale)))
}

# survreg's own robust errors leave the weights out of the rows' influences.
weighted <- function(law) {
  fit <- fitted_by("Surv(week, arrest)", law, weights = rossi$weight)
  influence <- residuals(fit, "dfbeta", weighted = TRUE)
  list(coefficients = unname(c(coef(fit), log(fit$scale))),
       std_errors = sqrt(colSums(influence^2)), log_likelihood = fit$loglik[2])
}

# Late entry: survreg has none, so the likelihood itself is climbed.
late <- function(law) {
  X <- model.matrix(as.formula(paste("~", right)), rossi)
  z <- function(t, theta) (log(t) - X %*% theta[1:8]) / exp(theta[9])
  log_survival <- function(v) switch(law,
    weibull = -exp(v), lognormal = pnorm(v, lower.tail = FALSE, log.p = TRUE),
    loglogistic = plogis(v, lower.tail = FALSE, log.p = TRUE))
  log_density <- function(v) switch(law,
    weibull = v - exp(v), lognormal = dnorm(v, log = TRUE),
    loglogistic = dlogis(v, log = TRUE))
  loss <- function(theta) {
    now <- z(rossi$week, theta); entered <- rossi$entry > 0
    start <- ifelse(entered, log_survival(z(pmax(rossi$entry, 1e-9), theta)), 0)
    -sum(ifelse(rossi$arrest == 1, log_density(now) - theta[9] - log(rossi$week),
                log_survival(now)) - start)
  }
  fit <- fitted_by("Surv(week, arrest)", law)
  theta <- unname(c(coef(fit), log(fit$scale)))
  for (i in 1:4) theta <- optim(theta, loss, method = "BFGS",
                                control = list(reltol = 1e-15, maxit = 2000))$par
  list(coefficients = theta, log_likelihood = -loss(theta))
}

all_laws <- function(f) setNames(lapply(laws, f), laws)
write_reference(
  list(
    notes = list(
      theta = "constant, covariates, then log(scale)",
      robust = "sandwich of rows, or of the 36 groups; no small-sample factor",
      survival = "rows 1, 100, 400 at weeks 5, 20, 52",
      late = "optim on the likelihood with late entry, as written in aft.R",
      between = "exits known up to intervals of 8 or 13 weeks (interval2)"),
    weights = rossi$weight, low = rossi$low, high = rossi$high, times = times,
    right = all_laws(function(law) described("Surv(week, arrest)", law)),
    between = all_laws(
      function(law) described("Surv(ifelse(low == 0, NA, low), high, type = 'interval2')", law)),
    robust = all_laws(function(law) described(
      "Surv(week, arrest)", law, robust = TRUE)[c("std_errors")]),
    clustered = all_laws(function(law) described(
      "Surv(week, arrest)", law, cluster = rossi$group)[c("std_errors")]),
    weighted = all_laws(weighted),
    late = all_laws(late)),
  "aft.json", c("survival", "jsonlite"))
