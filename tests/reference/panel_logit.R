# Known answers for logits with effects of individuals: writes panel_logit.json and
# males.csv. Reads binary.csv and binary_pairs.csv (simulate_binary.R makes them).

suppressPackageStartupMessages({
  library(survival)
  library(lme4)
  library(numDeriv)
  library(statmod)
})
source("common.R")

# ---- data --------------------------------------------------------------------

data(Males, package = "plm")
males <- with(Males, data.frame(
  unit_id = sprintf("%05d", nr), period = year, union = as.integer(union == "yes"),
  exper = exper / 10, married = as.integer(married == "yes"),
  health = as.integer(health == "yes"), school = school,
  black = as.integer(ethn == "black")
))
write.csv(males, "males.csv", row.names = FALSE, quote = FALSE)

# Some rows are gone, so that the panel is unbalanced.
gaps <- males[(seq_len(nrow(males)) * 7919) %% 100 >= 20, ]

ids <- c(unit_id = "character", from_id = "character", to_id = "character")
read_table <- function(path) {
  header <- names(read.csv(path, nrows = 1))
  read.csv(path, colClasses = ids[intersect(names(ids), header)])
}
households <- read_table("binary.csv")
pairs <- read_table("binary_pairs.csv")
seen <- unique(households[c("unit_id", "period", "clusters")])
households$lag <- vapply(seq_len(nrow(households)), function(i) {
  near <- pairs[pairs$from_id == households$unit_id[i], ]
  there <- seen[seen$period == households$period[i], ]
  sum(near$weight_knn * there$clusters[match(near$to_id, there$unit_id)])
}, 0)
households$later <- as.integer(households$period == 2021)

# ---- conditional logit ---------------------------------------------------------

# First way: every set of rows that could have been the ones, written out.
# Second way: survival's exact partial likelihood.
sets <- function(X, y, group) {
  lapply(split(seq_along(y), group), function(rows) {
    ones <- sum(y[rows])
    if (ones == 0 || ones == length(rows)) return(NULL)
    every <- combn(length(rows), ones)
    x <- X[rows, , drop = FALSE]
    list(
      chosen = colSums(x[y[rows] == 1, , drop = FALSE]),
      all = t(apply(every, 2, function(s) colSums(x[s, , drop = FALSE])))
    )
  })
}

conditional <- function(formula, data, group, cluster) {
  X <- model.matrix(formula, data)[, -1, drop = FALSE]
  y <- model.response(model.frame(formula, data))
  found <- sets(X, y, data[[group]])
  counted <- !vapply(found, is.null, TRUE)
  found <- found[counted]
  # One column of all: apply() drops the dimension.
  found <- lapply(found, function(f) {
    if (ncol(X) == 1) f$all <- matrix(f$all, ncol = 1)
    f
  })
  pieces <- function(b) {
    lapply(found, function(f) {
      index <- drop(f$all %*% b)
      p <- exp(index - max(index))
      mean <- colSums(f$all * p) / sum(p)
      apart <- sweep(f$all, 2, mean)
      list(ll = sum(f$chosen * b) - max(index) - log(sum(p)),
           score = f$chosen - mean, information = crossprod(apart * p, apart) / sum(p))
    })
  }
  b <- numeric(ncol(X))
  for (step in 1:12) {
    at <- pieces(b)
    score <- Reduce(`+`, lapply(at, `[[`, "score"))
    b <- b + solve(Reduce(`+`, lapply(at, `[[`, "information")), score)
  }
  at <- pieces(b)
  loglik <- sum(vapply(at, `[[`, 0, "ll"))
  vcov <- solve(Reduce(`+`, lapply(at, `[[`, "information")))
  scores <- do.call(rbind, lapply(at, `[[`, "score"))
  rows <- data[[group]] %in% names(found)

  data$.group <- data[[group]]
  peer <- clogit(update(formula, . ~ . + strata(.group)), data, method = "exact",
                 control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60))
  stopifnot(max(abs(coef(peer) - b)) < 1e-8, abs(peer$loglik[2] - loglik) < 1e-8,
            max(abs(vcov(peer) / vcov - 1)) < 1e-6)

  owner <- data[[cluster]][match(names(found), data[[group]])]
  sums <- rowsum(scores, owner)
  G <- nrow(sums); n <- sum(rows); k <- ncol(X)
  factor <- G / (G - 1) * (n - 1) / (n - k)
  list(
    terms = I(colnames(X)), beta = b, loglik = loglik,
    loglik_null = sum(vapply(pieces(0 * b), `[[`, 0, "ll")),
    vcov = vcov, n = n, groups = length(found), clusters = G,
    clustered = factor * vcov %*% crossprod(sums) %*% vcov
  )
}

# ---- random intercept ------------------------------------------------------------

# First way: adaptive quadrature written out. Second way: lme4's deviance.
quadrature <- function(X, y, group, points) {
  rule <- gauss.quad(points, "hermite")
  G <- max(group)
  total <- function(v) as.numeric(rowsum(v, group))
  function(x) {
    k <- ncol(X)
    eta <- drop(X %*% x[1:k]); s <- x[k + 1]; u <- numeric(G)
    for (step in 1:100) {
      p <- plogis(eta + s * u[group])
      move <- (s * total(y - p) - u) / (1 + s^2 * total(p * (1 - p)))
      u <- u + pmax(pmin(move, 0.5), -0.5)  # a whole step can overshoot
      if (max(abs(move)) < 1e-14) break
    }
    p <- plogis(eta + s * u[group])
    width <- sqrt(2) / sqrt(1 + s^2 * total(p * (1 - p)))
    terms <- vapply(seq_len(points), function(q) {
      z <- u + width * rule$nodes[q]
      log(rule$weights[q]) + rule$nodes[q]^2 - z^2 / 2 +
        total(plogis((2 * y - 1) * (eta + s * z[group]), log.p = TRUE))
    }, numeric(G))
    top <- apply(terms, 1, max)
    top + log(rowSums(exp(terms - top))) + log(width) - log(2 * pi) / 2
  }
}

# The mean of a derivative of the logistic function over normal intercepts.
averaged <- function(eta, s) {
  vapply(eta, function(e) {
    integrate(function(z) dlogis(e + s * z) * dnorm(z), -9, 9, rel.tol = 1e-12,
              subdivisions = 1000)$value
  }, 0)
}

random <- function(formula, data, points) {
  X <- model.matrix(formula, data)
  y <- model.response(model.frame(formula, data))
  group <- as.integer(factor(data$unit_id))
  each <- quadrature(X, y, group, points)
  k <- ncol(X)
  pooled <- glm(formula, binomial, data)
  x <- c(coef(pooled), 1)
  value <- function(x) sum(each(x))
  x <- nlminb(x, function(x) -value(x), control = list(rel.tol = 1e-13))$par
  for (step in 1:3) x <- x - solve(hessian(value, x), grad(value, x), tol = 1e-25)
  vcov <- solve(-hessian(value, x))
  # What is left of the gradient, in standard errors.
  left <- function(slope) max(abs(vcov %*% slope) / sqrt(diag(vcov)))
  stopifnot(left(grad(value, x)) < 1e-6)

  data$.group <- factor(data$unit_id)
  parts <- glFormula(update(formula, . ~ . + (1 | .group)), data, binomial)
  deviance <- do.call(mkGlmerDevfun, c(
    parts, list(control = glmerControl(tolPwrss = 1e-13))))
  deviance <- updateGlmerDevfun(deviance, parts$reTrms, nAGQ = points)
  peer <- function(x) -deviance(c(x[k + 1], x[1:k])) / 2
  # lme4 leaves out what does not depend on the parameters.
  shift <- peer(x) - value(x)
  stopifnot(left(grad(peer, x)) < 1e-4,
            abs(peer(x * 1.01) - value(x * 1.01) - shift) < 1e-6)

  scores <- jacobian(each, x)
  G <- nrow(scores); n <- nrow(X)
  factor <- G / (G - 1) * (n - 1) / (n - k - 1)
  list(
    terms = I(c(colnames(X), "sigma_u")), theta = x, loglik = value(x),
    loglik_pooled = as.numeric(logLik(pooled)), vcov = vcov,
    clustered = factor * vcov %*% crossprod(scores) %*% vcov, X = X
  )
}

with_effects <- function(found, terms) {
  k <- ncol(found$X); X <- found$X
  # Few rows differ: integrate each once.
  effect <- function(x, j) {
    eta <- drop(X %*% x[1:k])
    distinct <- unique(round(eta, 12))
    x[j] * mean(averaged(distinct, x[k + 1])[match(round(eta, 12), distinct)])
  }
  found$effects <- lapply(setNames(nm = terms), function(t) {
    j <- match(t, colnames(X))
    slope <- grad(function(x) effect(x, j), found$theta, method = "simple",
                  method.args = list(eps = 1e-5))
    list(estimate = effect(found$theta, j),
         std_error = sqrt(drop(slope %*% found$vcov %*% slope)))
  })
  found
}

without_rows <- function(found) found[setdiff(names(found), "X")]

# ---- cases -----------------------------------------------------------------------

few <- males[as.integer(males$unit_id) %% 6 == 0, ]
means <- aggregate(cbind(exper, married, health) ~ unit_id, males, mean)
names(means)[-1] <- paste0("mean_", names(means)[-1])
mundlak <- merge(males, means)
shape <- union ~ exper + I(exper^2) + married + health

write_reference(list(
  notes = list(
    conditional = paste("log-likelihood, covariances: inverse information, clustered with",
      "G/(G-1) (n-1)/(n-k), n counting rows of individuals whose outcome changes"),
    random = paste("maximum of the adaptive quadrature with so many points; covariances",
      "of (beta, sigma): inverse Hessian, clustered on individuals, n all rows, k + 1"),
    effects = "slopes averaged over rows and intercepts, SE by the delta method"
  ),
  conditional = list(
    males = conditional(shape, males, "unit_id", "unit_id"),
    gaps = conditional(shape, gaps, "unit_id", "unit_id"),
    households = conditional(poor ~ x1 + x2 + clusters + lag + later, households,
                             "hh_id", "unit_id")
  ),
  random = list(
    males_12 = without_rows(random(shape, males, 12)),
    males_25 = without_rows(random(shape, males, 25)),
    gaps_12 = without_rows(random(union ~ married + health + school, gaps, 12)),
    few_12 = without_rows(with_effects(
      random(union ~ married + school, few, 12), c("married", "school"))),
    mundlak_12 = without_rows(random(
      union ~ exper + married + health + school + mean_exper + mean_married +
        mean_health, mundlak, 12))
  )
), "panel_logit.json", c("survival", "lme4", "plm", "numDeriv", "statmod"))
