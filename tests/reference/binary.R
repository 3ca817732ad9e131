# Known answers for logit and probit: writes binary.json.
# Reads binary.csv, binary_units.csv, binary_pairs.csv (simulate_binary.R makes
# them) and mtcars.csv.

suppressPackageStartupMessages({
  library(sandwich)
  library(numDeriv)
})
source("common.R")

ids <- c(unit_id = "character", from_id = "character", to_id = "character")
read_table <- function(path) {
  header <- names(read.csv(path, nrows = 1))
  read.csv(path, colClasses = ids[intersect(names(ids), header)])
}
households <- read_table("binary.csv")
units <- read_table("binary_units.csv")
pairs <- read_table("binary_pairs.csv")

# ---- one fit, to the last digit --------------------------------------------

# Log-likelihood, score factor u and curvature c of one row in the index; c is
# minus the second derivative (observed), e its expectation.
row_terms <- function(index, y, link) {
  q <- 2 * y - 1
  if (link == "logit") {
    p <- plogis(index)
    return(list(ll = plogis(q * index, log.p = TRUE), u = y - p,
                c = p * (1 - p), e = p * (1 - p), f = p * (1 - p)))
  }
  mills <- q * exp(dnorm(index, log = TRUE) - pnorm(q * index, log.p = TRUE))
  f <- dnorm(index)
  list(ll = pnorm(q * index, log.p = TRUE), u = mills,
       c = mills * (mills + index), e = f^2 / (pnorm(index) * pnorm(-index)),
       f = f)
}

# glm stops when the deviance stands still; Newton steps from there settle the
# last digits, and glm started at the answer must stay there.
fit_binary <- function(formula, data, link, weight = rep(1, nrow(data))) {
  data$.weight <- weight
  tight <- glm.control(epsilon = 1e-14, maxit = 200)
  first <- without_warning(
    glm(formula, binomial(link), data, weights = .weight, control = tight))
  X <- model.matrix(first); y <- first$y; beta <- coef(first)
  for (step in 1:5) {
    at <- row_terms(drop(X %*% beta), y, link)
    beta <- beta + solve(crossprod(X * weight * at$c, X),
                         crossprod(X, weight * at$u))[, 1]
  }
  model <- without_warning(
    glm(formula, binomial(link), data, weights = .weight, control = tight,
        start = beta))
  at <- row_terms(drop(X %*% beta), y, link)
  fit <- list(
    model = model, X = X, y = y, weight = weight, link = link, beta = beta,
    at = at, data = data, score = X * weight * at$u,
    observed = solve(crossprod(X * weight * at$c, X)),
    expected = solve(crossprod(X * weight * at$e, X))
  )
  check_fit(fit)
  fit
}

# Quasi-binomial would say the same without this warning, but its dispersion
# gets into sandwich's scores.
without_warning <- function(fitting) {
  withCallingHandlers(fitting, warning = function(w) {
    if (grepl("non-integer #successes", conditionMessage(w)))
      invokeRestart("muffleWarning")
  })
}

# Three independent ways must agree: our formulas, glm / sandwich, and numerical
# derivatives of the log-likelihood.
check_fit <- function(fit) {
  total <- function(b) with(fit, sum(weight * row_terms(drop(X %*% b), y, link)$ll))
  close <- function(a, b, tolerance) {
    stopifnot(isTRUE(all.equal(as.numeric(a), as.numeric(b),
                               tolerance = tolerance)))
  }
  close(fit$beta, coef(fit$model), 1e-9)
  close(fit$score, estfun(fit$model), 1e-6)
  unscaled <- summary(fit$model)$cov.unscaled
  close(fit$expected, unscaled, 1e-7)
  close(-hessian(total, fit$beta), solve(fit$observed), 1e-6)
  stopifnot(max(abs(colSums(fit$score))) < 1e-9 * sum(abs(fit$score)))
}

# ---- covariances ------------------------------------------------------------

sandwich_of <- function(bread, meat) bread %*% meat %*% bread

# sandwich::meatCL divides by n.
cluster_meat <- function(fit, by, type, ...) {
  nrow(fit$X) * meatCL(fit$model, cluster = by, type = type, ...)
}

group_meat <- function(fit, group) crossprod(rowsum(fit$score, group))

covariances <- function(fit, bread, clusters = list(), conley = NULL) {
  n <- nrow(fit$X); k <- ncol(fit$X)
  hc0 <- sandwich_of(bread, crossprod(fit$score))
  found <- list(iid = bread, hc0 = hc0, hc1 = hc0 * n / (n - k))
  if (any(fit$weight != 1))
    found$iid_weights_mean_1 <- bread * sum(fit$weight) / n
  for (name in names(clusters)) {
    groups <- as.data.frame(clusters[[name]])
    found[[paste0("cluster_", name)]] <- if (ncol(groups) == 1)
      one_way(fit, bread, groups[[1]]) else two_way(fit, bread, groups)
  }
  if (!is.null(conley)) found$conley <- conley(fit, bread)
  found
}

one_way <- function(fit, bread, group) {
  n <- nrow(fit$X); k <- ncol(fit$X); G <- length(unique(group))
  raw <- sandwich_of(bread, group_meat(fit, group))
  by_package <- sandwich_of(bread, cluster_meat(fit, group, "HC1"))
  stopifnot(all.equal(raw * G / (G - 1) * (n - 1) / (n - k), by_package,
                      tolerance = 1e-9))
  list(n_clusters = G, no_factor = raw,
       hc0 = sandwich_of(bread, cluster_meat(fit, group, "HC0")),
       hc1 = by_package)
}

# The three parts come without any factor, so that every convention of adding
# them up can be checked; then sandwich's own.
two_way <- function(fit, bread, groups) {
  both <- interaction(groups, drop = TRUE)
  part <- function(g) sandwich_of(bread, group_meat(fit, g))
  own <- function(type, multi0) sandwich_of(
    bread, cluster_meat(fit, groups, type, multi0 = multi0))
  n <- nrow(fit$X); k <- ncol(fit$X)
  counts <- vapply(c(as.list(groups), list(both)),
                   function(g) length(unique(g)), 0L)
  parts <- list(part(groups[[1]]), part(groups[[2]]), part(both))
  each <- counts / (counts - 1)
  by_hand <- each[1] * parts[[1]] + each[2] * parts[[2]] - each[3] * parts[[3]]
  stopifnot(all.equal(by_hand, own("HC0", FALSE), tolerance = 1e-9))
  fewest <- min(counts[1:2])
  smallest <- (parts[[1]] + parts[[2]] - parts[[3]]) *
    fewest / (fewest - 1) * (n - 1) / (n - k)
  list(n_first = counts[1], n_second = counts[2], n_both = counts[3],
       first_no_factor = parts[[1]], second_no_factor = parts[[2]],
       both_no_factor = parts[[3]],
       hc0 = own("HC0", FALSE), hc1 = own("HC1", FALSE),
       hc1_mended = mended(own("HC1", FALSE)),
       hc1_least_eigenvalue = least(own("HC1", FALSE)),
       hc0_multi0 = own("HC0", TRUE), hc1_multi0 = own("HC1", TRUE),
       min_groups_hc1 = smallest)
}

least <- function(V) min(eigen((V + t(V)) / 2, symmetric = TRUE)$values)

# Cameron, Gelbach & Miller (2011), section 2.3: negative eigenvalues become 0.
mended <- function(V) {
  parts <- eigen((V + t(V)) / 2, symmetric = TRUE)
  parts$vectors %*% (pmax(parts$values, 0) * t(parts$vectors))
}

# Conley (1999): every pair of units, the scores of a unit summed over all its
# rows and periods, weight K(distance); no small-sample factor.
conley_of <- function(cutoff) function(fit, bread) {
  total <- rowsum(fit$score, fit$data$unit_id)
  away <- function(a, b) if (a == b) 0 else
    pairs$distance[pairs$from_id == a & pairs$to_id == b]
  meat <- list(bartlett = 0, uniform = 0)
  for (a in rownames(total)) for (b in rownames(total)) {
    d <- away(a, b)
    product <- outer(total[a, ], total[b, ])
    meat$bartlett <- meat$bartlett + max(0, 1 - d / cutoff) * product
    meat$uniform <- meat$uniform + (d <= cutoff) * product
  }
  found <- lapply(meat, function(m) sandwich_of(bread, m))
  c(list(cutoff = cutoff), found,
    list(uniform_mended = mended(found$uniform),
         least_eigenvalues = vapply(found, least, 0)))
}

# ---- average effects --------------------------------------------------------

chance <- function(fit, b, X = fit$X) {
  index <- drop(X %*% b)
  if (fit$link == "logit") plogis(index) else pnorm(index)
}

density_mean <- function(fit, b, times = 1) {
  f <- row_terms(drop(fit$X %*% b), fit$y, fit$link)$f
  sum(fit$weight * f * times) / sum(fit$weight)
}

# Slope of a continuous regressor, own and lagged; change of a 0/1 regressor or
# factor level against its base.
effect_functions <- function(fit, lag_sums = NULL) {
  effects <- list()
  term <- function(name) match(name, colnames(fit$X))
  for (name in setdiff(colnames(fit$X), "(Intercept)")) local({
    j <- term(name)
    lagged <- grepl("^W\\(|lag$", name)
    size <- if (lagged) lag_sums else 1
    effects[[paste0("slope:", name)]] <<- function(b) b[j] * density_mean(fit, b, size)
    if (all(fit$X[, j] %in% 0:1))
      effects[[paste0("change:", name)]] <<- function(b) discrete(fit, b, j)
  })
  effects
}

discrete <- function(fit, b, j) {
  off <- on <- fit$X
  siblings <- which(attr(fit$X, "assign") == attr(fit$X, "assign")[j])
  off[, siblings] <- 0; on[, siblings] <- 0; on[, j] <- 1
  sum(fit$weight * (chance(fit, b, on) - chance(fit, b, off))) / sum(fit$weight)
}

effects_table <- function(fit, vcovs, lag_sums = NULL, rename) {
  functions <- effect_functions(fit, lag_sums)
  if (!is.null(lag_sums)) {
    own <- functions[["slope:clusters"]]; spill <- functions[["slope:lag"]]
    functions[["total:clusters"]] <- function(b) own(b) + spill(b)
  }
  entries <- lapply(functions, function(g) {
    slope <- as.numeric(jacobian(g, fit$beta))
    c(list(estimate = as.numeric(g(fit$beta))),
      lapply(vcovs, function(V) sqrt(sum(slope * (V %*% slope)))))
  })
  parts <- strsplit(names(functions), ":")
  names(entries) <- vapply(parts, function(p) {
    kind <- if (p[1] == "slope" && p[2] == "lag") "indirect" else
      if (p[1] == "slope" && p[2] == "clusters" && !is.null(lag_sums)) "direct" else p[1]
    variable <- if (p[2] == "lag") "clusters" else rename(p[2])
    paste0(kind, ":", variable)
  }, "")
  entries
}

# ---- goodness of fit --------------------------------------------------------

fit_facts <- function(fit) {
  n <- nrow(fit$X); k <- ncol(fit$X)
  ll <- sum(fit$weight * fit$at$ll)
  share <- weighted.mean(fit$y, fit$weight)
  ll_null <- sum(fit$weight * ifelse(fit$y == 1, log(share), log(1 - share)))
  facts <- list(n_obs = n, n_terms = k, log_likelihood = ll,
                log_likelihood_null = ll_null, mcfadden_r2 = 1 - ll / ll_null,
                auc = area_under_curve(fit))
  if (all(fit$weight == 1)) {
    stopifnot(all.equal(ll, as.numeric(logLik(fit$model)), tolerance = 1e-12))
    facts <- c(facts, list(aic = AIC(fit$model), bic = BIC(fit$model)))
  } else {
    scale <- n / sum(fit$weight)
    facts <- c(facts, list(log_likelihood_weights_mean_1 = ll * scale,
                           log_likelihood_null_weights_mean_1 = ll_null * scale))
  }
  facts
}

# Mann-Whitney: the share of (1, 0) pairs in the right order, ties one half.
area_under_curve <- function(fit) {
  ranks <- rank(chance(fit, fit$beta)); n1 <- sum(fit$y == 1)
  (sum(ranks[fit$y == 1]) - n1 * (n1 + 1) / 2) / n1 / sum(fit$y == 0)
}

# ---- what is stored ---------------------------------------------------------

describe <- function(formula, data, link, written, weight = rep(1, nrow(data)),
                     clusters = list(), conley = NULL, lag_sums = NULL,
                     both_breads = FALSE) {
  fit <- fit_binary(formula, data, link, weight)
  rename <- function(term) {
    term <- sub("^\\(Intercept\\)$", "Intercept", term)
    term <- sub("^region(.+)$", "region[T.\\1]", term)
    sub("^lag$", "W(clusters)", term)
  }
  terms <- vapply(colnames(fit$X), rename, "", USE.NAMES = FALSE)
  found <- covariances(fit, fit$observed, clusters, conley)
  for_effects <- list(se_iid = found$iid, se_hc1 = found$hc1)
  if ("unit" %in% names(clusters))
    for_effects$se_cluster_unit_hc1 <- found$cluster_unit$hc1
  vcov <- list(observed = found)
  if (link == "probit" && both_breads)
    vcov$expected <- covariances(fit, fit$expected, clusters, conley)
  list(formula = written, link = link, terms = terms,
       coefficients = named(fit$beta, terms), facts = fit_facts(fit),
       fitted_first_5 = unname(chance(fit, fit$beta)[1:5]), vcov = unbox(vcov),
       effects = effects_table(fit, for_effects, lag_sums, rename))
}

unbox <- function(x) if (is.list(x)) lapply(x, unbox) else unname(x)

# W(clusters) of every household: the units' lag within the period, by key.
with_lag <- function(data, column) {
  counts <- unique(data[c("unit_id", "period", "clusters")])
  stopifnot(!anyDuplicated(counts[c("unit_id", "period")]))
  data$lag <- NA_real_
  for (i in seq_len(nrow(data))) {
    there <- pairs[pairs$from_id == data$unit_id[i], ]
    now <- counts[counts$period == data$period[i], ]
    stopifnot(all(there$to_id %in% now$unit_id))
    data$lag[i] <- sum(there[[column]] *
                         now$clusters[match(there$to_id, now$unit_id)])
  }
  data
}

lag_sums <- function(data, column) {
  tapply(pairs[[column]], pairs$from_id, sum)[data$unit_id]
}

base <- poor ~ x1 + x2 + region + clusters
slx <- poor ~ x1 + x2 + region + clusters + lag
base_text <- "poor ~ x1 + x2 + region + clusters"
slx_text <- "poor ~ x1 + x2 + region + clusters + W(clusters)"
groups <- function(data) list(
  unit = data["unit_id"], team = data["team"],
  unit_period = data[c("unit_id", "period")],
  unit_team = data[c("unit_id", "team")]
)
knn <- with_lag(households, "weight_knn")
inverse <- with_lag(households, "weight_inverse")
one_wave <- knn[knn$period == 2018, ]
cars <- read.csv("mtcars.csv")
conley <- conley_of(cutoff = 25)

few <- c("unit", "unit_period")
household_fits <- function(link) list(
  describe(base, households, link, base_text, clusters = groups(households),
           conley = conley, both_breads = TRUE),
  describe(base, households, link, base_text, clusters = groups(households)[few],
           weight = households$sampling_weight, conley = conley),
  describe(slx, knn, link, slx_text, clusters = groups(knn)[few],
           conley = conley, lag_sums = lag_sums(knn, "weight_knn")),
  describe(slx, inverse, link, slx_text, clusters = groups(inverse)["unit"],
           lag_sums = lag_sums(inverse, "weight_inverse")),
  describe(slx, one_wave, link, slx_text, clusters = groups(one_wave)["unit"],
           lag_sums = lag_sums(one_wave, "weight_knn")),
  describe(am ~ wt + hp, cars, link, "am ~ wt + hp",
           clusters = list(cyl = cars["cyl"]), both_breads = TRUE)
)
fit_names <- c("households", "households_weighted", "slx_knn", "slx_inverse",
               "slx_knn_2018", "mtcars")
all_fits <- function(link) {
  setNames(household_fits(link), paste0(fit_names, "_", link))
}

notes <- list(
  data = paste(
    "households: every row of binary.csv. slx_knn: weight_knn of",
    "binary_pairs.csv (row-standardised), slx_inverse: weight_inverse (not",
    "standardised, five islands), lag within the period; slx_knn_2018: period",
    "2018 only. weighted: sampling_weight."),
  iid = paste(
    "Inverse information. Under 'observed' the negative Hessian, under",
    "'expected' (probit, two fits) its expectation: R's vcov(glm) and the bread of",
    "sandwich are the expected one. For a logit both are the same."),
  hc1 = "hc0 x n / (n - k).",
  cluster = paste(
    "no_factor: bread x sum of outer products of cluster scores x bread. hc0:",
    "x G/(G-1) (vcovCL type HC0, cadjust). hc1: x G/(G-1) x (n-1)/(n-k)",
    "(vcovCL type HC1, cadjust; Stata regress and pyfixest). Stata logit is hc0."),
  two_way = paste(
    "first + second - both. hc0, hc1: vcovCL, each part with its own G/(G-1),",
    "multi0 = FALSE; *_multi0: multi0 = TRUE. min_groups_hc1: the parts without",
    "factor, together x G/(G-1) x (n-1)/(n-k) with the smaller G. Negative",
    "eigenvalues (hc1_least_eigenvalue) stay, but for hc1_mended, where they are",
    "set to 0 (Cameron, Gelbach & Miller 2011, 2.3)."),
  conley = paste(
    "Scores summed over all rows of a unit, all periods; bartlett: 1 - d/cutoff",
    "below the cutoff, uniform: 1 up to the cutoff; no small-sample factor.",
    "uniform_mended: negative eigenvalues set to 0; least_eigenvalues: of bartlett",
    "and uniform."),
  effects = paste(
    "slope, direct: mean of f times the coefficient; indirect: mean of f x row",
    "sum of W, times the coefficient of W(clusters); total: their sum; change:",
    "mean change in the probability from 0 (or the base level) to 1 (or the",
    "level). Weighted means in weighted fits. Delta-method SE (numDeriv)."),
  auc = "Of the fitted probabilities, rows unweighted in every fit.",
  log_likelihood = paste(
    "Weighted fits: sum of weight x log-likelihood with the weights as they",
    "are, and again with the weights scaled to mean 1.")
)
write_reference(
  list(notes = notes, fits = c(all_fits("logit"), all_fits("probit"))),
  "binary.json", c("sandwich", "numDeriv", "jsonlite")
)
