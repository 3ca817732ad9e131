# Known answers for linear panels with random effects of units (Swamy-Arora, balanced
# and not) and Hausman's tests: writes random_panel.json. Reads what panel.R writes.

suppressPackageStartupMessages(library(plm))
source("common.R")

grunfeld <- read.csv("grunfeld.csv")
produc <- read.csv("produc.csv")
# Every 7th row gone, as in panel.R.
ragged <- grunfeld[seq_len(nrow(grunfeld)) %% 7 != 0, ]

# Baltagi & Chang's variances and generalised least squares, by dense matrices.
by_hand <- function(X, y, unit) {
  unit <- factor(unit)
  Z <- model.matrix(~ 0 + unit)
  P <- Z %*% diag(1 / colSums(Z)) %*% t(Z)
  n <- nrow(X); N <- nlevels(unit)
  Xw <- (X - P %*% X)[, -1]; yw <- y - P %*% y
  row <- sum(qr.resid(qr(Xw), yw)^2) / (n - N - ncol(Xw))
  Xb <- P %*% X; yb <- P %*% y
  between <- sum(qr.resid(qr(Xb), yb)^2)
  trace <- sum(diag(solve(crossprod(Xb), t(Xb) %*% Z %*% t(Z) %*% Xb)))
  u <- (between - (N - ncol(X)) * row) / (n - trace)
  omega <- row * diag(n) + u * Z %*% t(Z)
  beta <- solve(t(X) %*% solve(omega, X), t(X) %*% solve(omega, y))
  list(row = row, unit = u, beta = drop(beta))
}

# Mundlak's test: unit means added to transformed data, by least squares.
mundlak <- function(X, y, unit, theta_of_row) {
  unit <- as.character(unit)
  mean_of <- function(x) ave(x, unit)
  turn <- function(x) x - theta_of_row * mean_of(x)
  means <- apply(X[, -1], 2, mean_of)
  A <- apply(cbind(X, means), 2, turn); b <- turn(y)
  bread <- solve(crossprod(A)); beta <- drop(bread %*% crossprod(A, b))
  e <- drop(b - A %*% beta); n <- nrow(A); k <- ncol(A)
  at <- (ncol(X) + 1):k
  wald <- function(V) {
    statistic <- drop(beta[at] %*% solve(V[at, at], beta[at]))
    list(statistic = statistic, df = length(at),
         p_value = pchisq(statistic, length(at), lower.tail = FALSE))
  }
  sums <- rowsum(A * e, unit)
  list(plain = wald(bread * sum(e^2) / (n - k)),
       robust = wald(bread %*% crossprod(sums) %*% bread))
}

# phtest(method = "aux") takes names only, so columns are made before.
describe <- function(formula, data, index, written) {
  model <- plm(formula, data, index = index, model = "random")
  within <- plm(formula, data, index = index, model = "within")
  frame <- model.frame(formula, data)
  X <- model.matrix(formula, frame)
  hand <- by_hand(X, model.response(frame), data[[index[1]]])
  same <- function(a, b) stopifnot(isTRUE(all.equal(
    as.numeric(a), as.numeric(b), tolerance = 1e-8)))
  same(model$ercomp$sigma2, c(hand$row, hand$unit))
  same(coef(model), hand$beta)
  theta <- as.numeric(model$ercomp$theta)
  robust <- function(x) vcovHC(x, method = "arellano", type = "HC0")
  plain <- data.frame(data[index], y = model.response(frame), X[, -1])
  names(plain)[-(1:3)] <- paste0("x", seq_len(ncol(X) - 1))
  right <- reformulate(names(plain)[-(1:3)], "y")
  aux <- function(...) phtest(right, plain, index = index, method = "aux", ...)
  test <- function(found) list(statistic = unname(found$statistic),
                               df = unname(found$parameter),
                               p_value = unname(found$p.value))
  y <- model.response(frame); unit <- data[[index[1]]]
  rows <- ave(y, as.character(unit), FUN = length)
  own <- mundlak(X, y, unit, 1 - sqrt(hand$row / (hand$row + rows * hand$unit)))
  if (length(unique(rows)) == 1) {
    same(aux()$statistic, own$plain$statistic)
    same(aux(vcov = robust)$statistic, own$robust$statistic)
  }
  terms <- sub("\\(Intercept\\)", "Intercept", names(coef(model)))
  list(
    formula = written, terms = terms,
    coefficients = named(coef(model), terms),
    sigma2_row = hand$row, sigma2_unit = hand$unit,
    theta_least = min(theta), theta_most = max(theta),
    vcov = unname(as.matrix(vcov(model))),
    arellano = unname(as.matrix(robust(model))),
    n_obs = nrow(X), n_units = length(unique(data[[index[1]]])),
    hausman = test(phtest(within, model)),
    mundlak = own$plain, mundlak_robust = own$robust
  )
}

invest <- inv ~ value + capital
product <- log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp
notes <- list(
  data = "As in panel.json.",
  vcov = "s^2 (X'X)^-1 of transformed data, s^2 over n - k.",
  arellano = "Clustered by unit, without a factor.",
  hausman = "phtest(within, random): each covariance with its own s^2.",
  mundlak = paste(
    "Unit means added; mundlak_robust clustered by unit without a factor. In",
    "balanced panels phtest(method = \"aux\"); in others that forgets that the",
    "constant is transformed, too (plm 2.6: 2.2390 for 2.2345 of ragged Grunfeld)."))
write_reference(
  list(notes = notes,
       grunfeld = describe(invest, grunfeld, c("firm", "year"),
                           "inv ~ value + capital"),
       grunfeld_ragged = describe(invest, ragged, c("firm", "year"),
                                  "inv ~ value + capital"),
       produc = describe(product, produc, c("state", "year"),
                         "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp")),
  "random_panel.json", c("plm", "jsonlite")
)
