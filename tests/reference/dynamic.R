# Known answers for dynamic panels, two-stage least squares and the control-function
# logit: writes dynamic.json, and CigarettesSW of AER as cigarettes.csv. Reads
# empluk.csv (Arellano & Bond 1991, as in R plm), binary.csv.

suppressPackageStartupMessages({
  library(plm)
  library(AER)
  library(sandwich)
  library(numDeriv)
})
source("common.R")

close_to <- function(a, b, tolerance = 1e-8) {
  stopifnot(isTRUE(all.equal(unname(c(a)), unname(c(b)), tolerance = tolerance)))
}

# ---- dynamic GMM by hand, unit by unit, from the formulas of Roodman (2009) ----

empluk <- read.csv("empluk.csv")
firms <- data.frame(
  firm = empluk$firm, year = empluk$year, n = log(empluk$emp), w = log(empluk$wage),
  k = log(empluk$capital), ys = log(empluk$output))
# Every 11th row gone: gaps inside units, some units without two neighbours.
gaps <- firms[seq_len(nrow(firms)) %% 11 != 0, ]
years <- sort(unique(firms$year))

value <- function(data, name, unit, year) {
  found <- data[[name]][data$firm == unit & data$year == year]
  if (length(found) == 1) found else NA_real_
}

# One unit's levels: y, X (with lags by year) and every variable, year by year.
unit_block <- function(data, unit, terms, outcome) {
  column <- function(term) vapply(years, function(t)
    value(data, term$name, unit, t - term$lag), 0)
  X <- do.call(cbind, lapply(terms, column))
  y <- vapply(years, function(t) value(data, outcome, unit, t), 0)
  list(y = y, X = X, there = !is.na(y) & rowSums(is.na(X)) == 0)
}

# The transformation of one unit: rows stand at the later year of a difference, and
# at the year after the one whose future mean is taken off.
sweep_matrix <- function(there, deviations) {
  T <- length(there); M <- matrix(0, T, T)
  for (t in seq_len(T - 1)) {
    if (!deviations && there[t] && there[t + 1]) {
      M[t + 1, t + 1] <- 1; M[t + 1, t] <- -1
    }
    later <- which(there & seq_len(T) > t)
    if (deviations && there[t] && length(later)) {
      m <- length(later); M[t + 1, t] <- sqrt(m / (m + 1))
      M[t + 1, later] <- -sqrt(m / (m + 1)) / m
    }
  }
  M
}

zero <- function(x) ifelse(is.na(x), 0, x)

# Instruments of one unit, GMM style: names tell period and lag, so that units agree.
past_of <- function(x, first, last, collapse, swept, there, system) {
  T <- length(x); upper <- list(); lower <- list()
  for (lag in first:min(last, T - 1)) for (t in seq_len(T)) if (t - lag >= 1) {
    name <- if (collapse) paste0("D", lag) else paste0("D", lag, ".", t)
    if (is.null(upper[[name]])) upper[[name]] <- numeric(T)
    upper[[name]][t] <- zero(x[t - lag]) * swept[t]
  }
  if (system) for (t in seq_len(T)) if (t - first >= 1) {
    name <- if (collapse) "L" else paste0("L", t)
    if (is.null(lower[[name]])) lower[[name]] <- numeric(T)
    lower[[name]][t] <- zero(x[t - first + 1] - x[t - first]) * there[t]
  }
  list(upper = upper, lower = lower)
}

gmm <- function(data, terms, past, exogenous, system = FALSE, deviations = FALSE,
                collapse = FALSE, outcome = "n") {
  units <- unique(data$firm)
  blocks <- lapply(units, function(u) unit_block(data, u, terms, outcome))
  used <- sort(unique(unlist(lapply(blocks, function(b) which(b$there)))))[-1]
  T <- length(years); parts <- list()
  for (i in seq_along(units)) {
    b <- blocks[[i]]
    dummies <- outer(seq_len(T), used, "==") * 1
    X <- cbind(b$X, dummies, if (system) rep(1, T))
    X[!b$there, ] <- 0; y <- ifelse(b$there, b$y, 0)
    M <- sweep_matrix(b$there, deviations); swept <- rowSums(M != 0) > 0
    upper <- list(); lower <- list()
    for (p in past) {
      x <- vapply(years, function(t) value(data, p$name, units[i], t), 0)
      one <- past_of(x, p$first, p$last, collapse, swept, b$there, system)
      names(one$upper) <- sprintf("%s %s", p$name, names(one$upper))
      names(one$lower) <- sprintf("%s %s", p$name, names(one$lower))
      upper <- c(upper, one$upper, lapply(one$lower, function(z) numeric(T)))
      lower <- c(lower, lapply(one$upper, function(z) numeric(T)), one$lower)
    }
    U <- do.call(cbind, upper); L <- do.call(cbind, lower)
    X_swept <- M %*% X; k <- ncol(b$X)
    U <- cbind(U, X_swept[, exogenous, drop = FALSE])
    L <- cbind(L, X[, exogenous, drop = FALSE])
    rest <- (k + 1):ncol(X)
    U <- cbind(U, if (system) 0 * X[, rest] else X_swept[, rest])
    L <- cbind(L, X[, rest])
    rows <- if (system) c(swept, b$there) else swept
    A <- if (system) rbind(M, diag(T)) else M
    H <- A %*% t(A)
    Z <- if (system) rbind(U, L) else U
    D <- sweep_matrix(b$there, FALSE)
    parts[[i]] <- list(
      y = (A %*% y)[rows], X = (A %*% X)[rows, , drop = FALSE],
      Z = Z[rows, , drop = FALSE], H = H[rows, rows, drop = FALSE],
      dy = drop(D %*% y), dX = D %*% X, d = rowSums(D != 0) > 0)
  }
  solve_gmm(parts, system)
}

solve_gmm <- function(parts, system) {
  alive <- Reduce(`+`, lapply(parts, function(p) colSums(p$Z != 0))) > 0
  for (i in seq_along(parts)) parts[[i]]$Z <- parts[[i]]$Z[, alive, drop = FALSE]
  total <- function(f) Reduce(`+`, lapply(parts, f))
  ZX <- total(function(p) crossprod(p$Z, p$X))
  Zy <- total(function(p) crossprod(p$Z, p$y))
  A1 <- solve(total(function(p) t(p$Z) %*% p$H %*% p$Z))
  step <- function(A) {
    P <- solve(t(ZX) %*% A %*% ZX, t(ZX) %*% A); b <- drop(P %*% Zy)
    list(A = A, P = P, b = b, m = lapply(parts, function(p)
      drop(crossprod(p$Z, p$y - p$X %*% b))))
  }
  one <- step(A1)
  S <- Reduce(`+`, lapply(one$m, tcrossprod))
  two <- step(solve(S))
  V1 <- one$P %*% S %*% t(one$P); V2 <- solve(t(ZX) %*% two$A %*% ZX)
  g2 <- Reduce(`+`, two$m)
  # Windmeijer (2005): the derivative of two-step coefficients in the first step's.
  D <- sapply(seq_len(ncol(ZX)), function(j) {
    dS <- Reduce(`+`, Map(function(p, m) {
      z <- drop(crossprod(p$Z, p$X[, j])); -(tcrossprod(z, m) + tcrossprod(m, z))
    }, parts, one$m))
    -V2 %*% t(ZX) %*% two$A %*% dS %*% two$A %*% g2
  })
  Vc <- V2 + D %*% V2 + V2 %*% t(D) + D %*% V1 %*% t(D)
  ar <- function(s, V, l) {
    e <- lapply(parts, function(p) ifelse(p$d, p$dy - p$dX %*% s$b, 0))
    lagged <- lapply(e, function(x) c(rep(0, l), head(x, -l)))
    own <- mapply(function(a, b) sum(a * b), lagged, e)
    wX <- Reduce(`+`, Map(function(p, a) drop(crossprod(p$dX * p$d, a)), parts, lagged))
    cross <- Reduce(`+`, Map(function(m, o) m * o, s$m, own))
    v <- sum(own^2) - 2 * wX %*% s$P %*% cross + wX %*% V %*% wX
    sum(own) / sqrt(drop(v))
  }
  e1 <- unlist(lapply(parts, function(p) (p$dy - p$dX %*% one$b)[p$d]))
  g1 <- Reduce(`+`, one$m)
  list(
    n_instruments = ncol(parts[[1]]$Z), n_parameters = ncol(ZX),
    n_differences = length(e1),
    one = one$b, one_se = sqrt(diag(V1)), two = two$b, two_se = sqrt(diag(Vc)),
    two_se_plain = sqrt(diag(V2)),
    hansen = drop(g2 %*% two$A %*% g2),
    sargan = drop(g1 %*% A1 %*% g1) / (sum(e1^2) / 2 / length(e1)),
    ar_one = c(ar(one, V1, 1), ar(one, V1, 2)),
    ar_two = c(ar(two, Vc, 1), ar(two, Vc, 2)))
}

term <- function(name, lag = 0) list(name = name, lag = lag)
past <- function(name, first = 2, last = 99) list(name = name, first = first, last = last)
table_4b <- list(term("n", 1), term("n", 2), term("w"), term("w", 1), term("k"),
                 term("ys"), term("ys", 1))
bb <- list(term("n", 1), term("w"), term("w", 1), term("k"), term("k", 1))
short <- list(term("n", 1), term("w"), term("k"))

cases <- list(
  table_4b = gmm(firms, table_4b, list(past("n")), 3:7),
  limited = gmm(firms, short, list(past("n", 2, 4), past("w", 1, 3)), 3),
  collapsed = gmm(firms, short, list(past("n"), past("w")), 3, collapse = TRUE),
  blundell_bond = gmm(firms, bb, list(past("n"), past("w"), past("k")), integer(),
                      system = TRUE),
  system_collapsed = gmm(firms, short, list(past("n", 2, 3), past("w", 1, 2)), 3,
                         system = TRUE, collapse = TRUE),
  deviations = gmm(firms, short, list(past("n", 2, 4)), 2:3, deviations = TRUE),
  gaps = gmm(gaps, short, list(past("n", 2, 4)), 2:3),
  gaps_deviations = gmm(gaps, short, list(past("n", 2, 4)), 2:3, deviations = TRUE),
  gaps_system = gmm(gaps, short, list(past("n", 2, 3)), 2:3, system = TRUE,
                    deviations = TRUE, collapse = TRUE))

# The second way: plm, where it does the same.
panel <- pdata.frame(empluk, index = c("firm", "year"))
by_plm <- pgmm(
  log(emp) ~ lag(log(emp), 1:2) + lag(log(wage), 0:1) + log(capital) +
    lag(log(output), 0:1) | lag(log(emp), 2:99), data = panel, effect = "twoways",
  model = "twosteps")
said <- summary(by_plm, robust = TRUE)
close_to(cases$table_4b$two[1:7], coef(by_plm)[1:7], 1e-7)
close_to(cases$table_4b$two_se[1:7], said$coefficients[1:7, 2], 1e-6)
close_to(cases$table_4b$hansen, said$sargan$statistic, 1e-6)
close_to(cases$table_4b$ar_two, c(said$m1$statistic, said$m2$statistic), 1e-6)
bb_plm <- pgmm(
  log(emp) ~ lag(log(emp), 1) + lag(log(wage), 0:1) + lag(log(capital), 0:1) |
    lag(log(emp), 2:99) + lag(log(wage), 2:99) + lag(log(capital), 2:99),
  data = panel, effect = "twoways", model = "onestep", transformation = "ld")
close_to(cases$blundell_bond$one[1:5], coef(bb_plm)[1:5], 1e-6)

# ---- two-stage least squares on a real two-wave panel ---------------------------

data("CigarettesSW", package = "AER")
cigarettes <- with(CigarettesSW, data.frame(
  state = as.character(state), year = as.integer(as.character(year)),
  packs = log(packs), price = log(price / cpi),
  income = log(income / population / cpi), salestax = (taxs - tax) / cpi,
  tax = tax / cpi))
write.csv(cigarettes, "cigarettes.csv", row.names = FALSE, quote = FALSE)
cigarettes <- read.csv("cigarettes.csv")
cigarettes$later <- as.numeric(cigarettes$year == 1995)

clustered <- function(model, by) vcovCL(model, cluster = by, type = "HC1")

# Both reduced forms and their joint clustered covariance give the Anderson-Rubin
# set in closed form for one instrument: a quadratic in b.
closed_form <- function(y, x, Z, z, by) {
  W <- cbind(Z, z); L <- ncol(as.matrix(z)); at <- ncol(W) - L + seq_len(L)
  Q <- solve(crossprod(W)); G <- length(unique(by)); n <- length(y)
  factor <- G / (G - 1) * (n - 1) / (n - ncol(W))
  fy <- Q %*% crossprod(W, y); fx <- Q %*% crossprod(W, x)
  sy <- rowsum(W * drop(y - W %*% fy), by); sx <- rowsum(W * drop(x - W %*% fx), by)
  V <- function(a, b) factor * (Q %*% crossprod(a, b) %*% Q)[at, at]
  crit <- qf(.95, L, G - 1)
  c2 <- fx[at]^2 - crit * V(sx, sx); c1 <- -2 * (fy[at] * fx[at] - crit * V(sy, sx))
  c0 <- fy[at]^2 - crit * V(sy, sy)
  inside <- drop(c1^2 - 4 * c0 * c2)
  ends <- if (inside < 0) numeric() else (-c1 + c(-1, 1) * sqrt(inside)) / 2 / drop(c2)
  list(leading = c2, ends = I(sort(ends)),
       f_zero = fy[at]^2 / V(sy, sy), p_zero = pf(fy[at]^2 / V(sy, sy), L, G - 1,
                                                  lower.tail = FALSE))
}

wald_f <- function(model, names, by) {
  V <- clustered(model, by)[names, names, drop = FALSE]; b <- coef(model)[names]
  drop(b %*% solve(V, b)) / length(names)
}

two_stage <- function(model, by) {
  list(coefficients = named(coef(model)), se = named(sqrt(diag(clustered(model, by)))))
}

levels_one <- ivreg(packs ~ price + income + later | salestax + income + later,
                    data = cigarettes)
levels_two <- ivreg(packs ~ price + income + later | salestax + tax + income + later,
                    data = cigarettes)
first_one <- lm(price ~ salestax + income + later, data = cigarettes)
first_two <- lm(price ~ salestax + tax + income + later, data = cigarettes)
both_endogenous <- ivreg(packs ~ price + income + later | salestax + tax + later,
                         data = cigarettes)

hansen_two <- function(model, by) {
  Z <- model.matrix(model, component = "instruments")
  X <- model.matrix(model, component = "regressors"); y <- model$model$packs
  S <- crossprod(rowsum(Z * residuals(model), by)); ZX <- crossprod(Z, X)
  A <- solve(S); b <- solve(t(ZX) %*% A %*% ZX, t(ZX) %*% A %*% crossprod(Z, y))
  g <- crossprod(Z, y - X %*% b); drop(t(g) %*% A %*% g)
}

wide <- merge(cigarettes[cigarettes$year == 1985, ], cigarettes[cigarettes$year == 1995, ],
              by = "state")
change <- data.frame(state = wide$state)
for (v in c("packs", "price", "income", "salestax", "tax"))
  change[[v]] <- wide[[paste0(v, ".y")]] - wide[[paste0(v, ".x")]]
change_one <- ivreg(packs ~ price + income | salestax + income, data = change)
change_first <- lm(price ~ salestax + income, data = change)

# A weak one: an instrument that has nothing to do with the price.
cigarettes$noise <- sin(seq_len(nrow(cigarettes)) * 12.9898) * 43.7585
weak <- ivreg(packs ~ price + income + later | noise + income + later,
              data = cigarettes)
st <- cigarettes$state
two_waves <- list(
  levels_one = c(two_stage(levels_one, st), list(
    first_f = wald_f(first_one, "salestax", st),
    anderson_rubin = with(cigarettes, closed_form(
      packs, price, cbind(1, income, later), salestax, state)))),
  levels_two = c(two_stage(levels_two, st), list(
    first_f = wald_f(first_two, c("salestax", "tax"), st),
    hansen = hansen_two(levels_two, st))),
  both_endogenous = two_stage(both_endogenous, st),
  differences = c(two_stage(change_one, change$state), list(
    first_f = wald_f(change_first, "salestax", change$state),
    anderson_rubin = with(change, closed_form(
      packs, price, cbind(1, income), salestax, state)))),
  weak = c(two_stage(weak, st), list(
    anderson_rubin = with(cigarettes, closed_form(
      packs, price, cbind(1, income, later), noise, state)))))

# ---- control-function logit: the whole system of moments, differentiated -----------

homes <- read.csv("binary.csv", colClasses = c(unit_id = "character"))
homes <- homes[complete.cases(homes[c("poor", "x1", "x2", "clusters")]), ]
Z <- cbind(1, homes$x2, homes$clusters, homes$clusters^2)
first <- lm(x1 ~ x2 + clusters + I(clusters^2), data = homes)
v <- residuals(first); pi <- coef(first)
second <- glm(poor ~ x1 + x2 + v, binomial, homes, control = glm.control(1e-14, 100))
X <- cbind(1, homes$x1, homes$x2)
moments <- function(p) {
  res <- drop(homes$x1 - Z %*% p[5:8]); XV <- cbind(X, res)
  cbind(XV * drop(homes$poor - plogis(XV %*% p[1:4])), Z * res)
}
at <- c(coef(second), pi)
J <- jacobian(function(p) colSums(moments(p)), at)
bread <- solve(J)
G <- length(unique(homes$unit_id)); N <- nrow(homes); K <- 4
cover <- function(meat) bread %*% meat %*% t(bread)
V_hc1 <- cover(crossprod(moments(at))) * N / (N - K)
V_cl <- cover(crossprod(rowsum(moments(at), homes$unit_id))) *
  G / (G - 1) * (N - 1) / (N - K)
# Everybody is given each residual in turn.
structural <- function(p) {
  res <- drop(homes$x1 - Z %*% p[5:8]); a <- drop(X %*% p[1:3])
  p[2] * mean(vapply(res, function(r) mean(dlogis(a + p[4] * r)), 0))
}
slope <- drop(jacobian(structural, at))
control <- list(
  coefficients = unname(coef(second)), first = unname(pi),
  se_hc1 = unname(sqrt(diag(V_hc1))), se_cluster = unname(sqrt(diag(V_cl))),
  effect_x1 = structural(at), effect_se_cluster = sqrt(drop(slope %*% V_cl %*% slope)))

write_reference(list(
  notes = list(
    gmm = paste("coefficients in the order of the formula, then period dummies (levels,",
                "the first period left out), then the constant of a system; first-step",
                "weights (sum Z'HZ)^-1, H = MM' or (M', I)'(M', I); two-step SE with",
                "Windmeijer's correction; AR tests of Roodman (2009); sargan with the",
                "variance of differences over twice their number"),
    two_waves = "clustered by state, type HC1; F(L, G - 1) for Anderson-Rubin"),
  gmm = cases, two_waves = two_waves, control = control),
  "dynamic.json", c("plm", "AER", "sandwich", "numDeriv"))
