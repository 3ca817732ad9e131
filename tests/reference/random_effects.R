# Known answers for a logit with unit effects: writes random_effects.json.
# Reads binary.csv, binary_units.csv, binary_pairs.csv; cbpp comes with lme4.

suppressPackageStartupMessages({
  library(lme4)
  library(numDeriv)
})
source("common.R")

ids <- c(unit_id = "character", from_id = "character", to_id = "character")
read_table <- function(path) {
  header <- names(read.csv(path, nrows = 1))
  read.csv(path, colClasses = ids[intersect(names(ids), header)])
}
households <- read_table("binary.csv")
units <- read_table("binary_units.csv")$unit_id
pairs <- read_table("binary_pairs.csv")
households$unit <- factor(households$unit_id, levels = units)

# ---- weights and precisions ------------------------------------------------

W <- matrix(0, length(units), length(units))
W[cbind(match(pairs$from_id, units), match(pairs$to_id, units))] <-
  pairs$weight_knn
S <- 1 * (W + t(W) > 0)

precisions <- list(
  iid = function(rho) diag(nrow(W)),
  sar = function(rho) crossprod(diag(nrow(W)) - rho * W),
  leroux = function(rho) {
    rho * (diag(rowSums(S)) - S) + (1 - rho) * diag(nrow(S))
  }
)

# ---- first way: the formulas, with dense matrices --------------------------

# Laplace log-likelihood of rows with m trials and a successes, without the
# binomial coefficients: rows of 0 and 1 are the case m = 1.
laplace <- function(beta, sigma, P, data) {
  eta <- drop(data$X %*% beta)
  theta <- numeric(nrow(P))
  Q <- P / sigma^2
  sums <- function(v) {
    totals <- tapply(v, data$unit, sum)
    totals[is.na(totals)] <- 0
    as.numeric(totals)
  }
  for (step in 1:100) {
    p <- plogis(eta + theta[data$unit])
    H <- Q + diag(sums(data$m * p * (1 - p)))
    move <- solve(H, sums(data$a - data$m * p) - Q %*% theta)[, 1]
    theta <- theta + move
    if (max(abs(move)) < 1e-13) break
  }
  x <- eta + theta[data$unit]
  H <- Q + diag(sums(data$m * plogis(x) * plogis(-x)))
  half_log_det <- function(M) sum(log(diag(chol(M))))
  loglik <- sum(data$a * plogis(x, log.p = TRUE) +
                  (data$m - data$a) * plogis(-x, log.p = TRUE)) -
    drop(theta %*% Q %*% theta) / 2 + half_log_det(Q) - half_log_det(H)
  list(loglik = loglik, theta = theta, variance = diag(solve(H)))
}

maximise <- function(start, value) {
  best <- nlminb(start, function(x) -value(x),
                 control = list(rel.tol = 1e-13, iter.max = 500))$par
  for (step in 1:3) {
    best <- best - solve(hessian(value, best), grad(value, best))
  }
  stopifnot(max(abs(grad(value, best))) < 1e-6)
  best
}

# ---- second way: lme4, its random part turned by a root of the precision ---

# theta = sigma R^-1 u with P = R'R and u independent: lme4 sees Z R^-1.
lme4_deviance <- function(formula, data, P, ...) {
  parts <- glFormula(formula, data, binomial, ...)
  root <- backsolve(chol(P), diag(nrow(P)))
  parts$reTrms$Zt <- as(crossprod(root, as.matrix(parts$reTrms$Zt)),
                        "dgCMatrix")
  control <- glmerControl(tolPwrss = 1e-13)
  deviance <- do.call(mkGlmerDevfun, c(parts, list(control = control)))
  updateGlmerDevfun(deviance, parts$reTrms)
}

# ---- one case ---------------------------------------------------------------

case <- function(structure, data, formula, frame, shift = 0, ...) {
  k <- ncol(data$X)
  spatial <- structure != "iid"
  precision <- precisions[[structure]]
  if (nlevels(data$unit) != nrow(W)) {
    precision <- function(rho) diag(nlevels(data$unit))
  }
  at <- function(x) {
    laplace(x[1:k], exp(x[k + 1]), precision(if (spatial) x[k + 2] else 0), data)
  }
  start <- c(numeric(k), log(0.7), if (spatial) 0.3)
  x <- maximise(start, function(x) at(x)$loglik)
  there <- at(x)
  rho <- if (spatial) x[k + 2] else 0
  deviance <- lme4_deviance(formula, frame, precision(rho), ...)
  peer <- function(x) -deviance(c(exp(x[k + 1]), x[1:k])) / 2
  stopifnot(
    abs(peer(x) - shift - there$loglik) < 1e-7,
    max(abs(grad(peer, x[1:(k + 1)]))) < 1e-4
  )
  covariance <- solve(-hessian(function(x) at(x)$loglik, x))
  list(
    beta = named(x[1:k], colnames(data$X)), sigma = exp(x[k + 1]),
    rho = if (spatial) rho, loglik = there$loglik, covariance = covariance,
    effects = there$theta, variances = there$variance
  )
}

# ---- households --------------------------------------------------------------

formula <- poor ~ x1 + x2 + clusters + (1 | unit)
rows <- list(
  X = model.matrix(poor ~ x1 + x2 + clusters, households),
  a = households$poor, m = rep(1, nrow(households)), unit = households$unit
)

# The outcome in the table has effects that shun their neighbours a little, which
# Leroux's structure excludes; its case has an outcome of its own.
set.seed(20)
drawn <- backsolve(chol(precisions$leroux(0.8)), rnorm(nrow(W)))
clustered <- rbinom(nrow(households), 1, plogis(
  rows$X %*% c(1, -0.5, 0.4, -0.1) + 1.2 * drawn[households$unit]))

content <- list(notes = paste(
  "Laplace maximum likelihood. covariance: of (beta, log sigma, rho), from the",
  "observed information. effects, variances: mode and variance of the unit",
  "effects in the order of binary_units.csv (cbpp: of herds 1 to 15).",
  "leroux: weights 1 between units of which either is a neighbour in weight_knn;",
  "outcome: simulated, of the households in binary.csv.",
  "cbpp: log-likelihood of single animals, without binomial coefficients.",
  "mean_probability: mean of plogis(eta + sd z) over normal z."
))
content$iid <- case("iid", rows, formula, households)
content$sar <- case("sar", rows, formula, households)
rows$a <- households$poor <- clustered
content$leroux <- c(
  case("leroux", rows, formula, households), list(outcome = clustered))

# ---- lme4's own example ------------------------------------------------------

herds <- transform(cbpp, herd = factor(herd, levels = 1:15))
animals <- list(
  X = model.matrix(~period, herds), a = herds$incidence, m = herds$size,
  unit = herds$herd
)
coefficients <- sum(lchoose(herds$size, herds$incidence))
content$cbpp <- c(
  case("iid", animals, cbind(incidence, size - incidence) ~ period + (1 | herd),
       herds, shift = coefficients),
  list(data = list(
    herd = as.integer(herds$herd), period = as.integer(herds$period),
    incidence = herds$incidence, size = herds$size
  ))
)
# At its default tolPwrss of 1e-7 glmer stops 4e-4 short in the log-likelihood.
own <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), herds,
             binomial, control = glmerControl(tolPwrss = 1e-13))
stopifnot(
  abs(as.numeric(logLik(own)) - coefficients - content$cbpp$loglik) < 1e-6,
  max(abs(fixef(own) - unlist(content$cbpp$beta))) < 1e-4,
  abs(own@theta - content$cbpp$sigma) < 1e-4
)

# ---- means of probabilities ----------------------------------------------------

points <- expand.grid(eta = c(-6, -1, 0.3, 4), sd = c(0.2, 1, 3, 8))
content$mean_probability <- list(
  eta = points$eta, sd = points$sd,
  mean = mapply(function(eta, sd) {
    f <- function(z) plogis(eta + sd * z) * dnorm(z)
    integrate(f, -Inf, -eta / sd, rel.tol = 1e-13)$value +
      integrate(f, -eta / sd, Inf, rel.tol = 1e-13)$value
  }, points$eta, points$sd)
)

write_reference(content, "random_effects.json", c("lme4", "Matrix", "numDeriv"))
