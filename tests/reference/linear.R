# Known answers for ols and stepwise: writes linear.json.
# Reads mtcars.csv, rossi.csv and binary.csv.

suppressPackageStartupMessages({
  library(sandwich)
  library(lmtest)
  library(car)
})
source("common.R")

cars <- read.csv("mtcars.csv")
cars$cyl <- factor(cars$cyl)
rossi <- read.csv("rossi.csv")
homes <- read.csv("binary.csv", colClasses = c(unit_id = "character"))

# White's test: squares and products of all columns that vary.
white <- function(fit) {
  X <- model.matrix(fit)
  u <- residuals(fit)^2
  pairs <- which(upper.tri(diag(ncol(X)), diag = TRUE), arr.ind = TRUE)
  Z <- apply(pairs, 1, function(at) X[, at[1]] * X[, at[2]])
  aux <- lm(u ~ Z)
  df <- aux$rank - 1
  statistic <- length(u) * summary(aux)$r.squared
  c(statistic, df, pchisq(statistic, df, lower.tail = FALSE))
}

test_row <- function(t) {
  c(unname(t$statistic), unname(t$parameter), unname(t$p.value))
}

vif_rows <- function(fit) {
  found <- vif(fit)
  if (!is.matrix(found)) found <- cbind(found, 1, sqrt(found))
  list(terms = rownames(found), values = unname(found))
}

answer <- function(formula, fit, cluster = NULL) {
  V <- function(type) unname(vcovHC(fit, type = type))
  s <- summary(fit)
  out <- list(
    formula = formula,
    terms = names(coef(fit)),
    coefficients = unname(coef(fit)),
    vcov = list(iid = unname(vcov(fit)), hc0 = V("HC0"), hc1 = V("HC1"),
                hc2 = V("HC2"), hc3 = V("HC3")),
    r_squared = s$r.squared, adjusted_r_squared = s$adj.r.squared,
    sigma = s$sigma,
    f = unname(s$fstatistic),
    f_hc3 = {
      w <- waldtest(fit, vcov = vcovHC(fit, type = "HC3"))
      c(w$F[2], -w$Df[2], w[["Pr(>F)"]][2])
    },
    log_likelihood = as.numeric(logLik(fit)), aic = AIC(fit), bic = BIC(fit),
    leverage_first_5 = unname(hatvalues(fit)[1:5])
  )
  if (is.null(fit$weights)) {
    out$bp <- test_row(bptest(fit))
    out$bp_plain <- test_row(bptest(fit, studentize = FALSE))
    out$white <- white(fit)
  }
  out$vif <- vif_rows(fit)
  if (!is.null(cluster)) {
    out$vcov$cluster <- unname(vcovCL(fit, cluster = cluster, type = "HC1"))
  }
  out
}

h <- homes
h$w1 <- h$sampling_weight * nrow(h) / sum(h$sampling_weight)
fits <- list(
  mtcars = answer("hp ~ am + wt + C(cyl)", lm(hp ~ am + wt + cyl, cars)),
  rossi = answer(
    "week ~ fin + age + race + wexp + mar + paro + prio",
    lm(week ~ fin + age + race + wexp + mar + paro + prio, rossi),
    rossi$group),
  weighted = answer("x1 ~ x2 + clusters", lm(x1 ~ x2 + clusters, h, weights = w1),
                    h$unit_id)
)

# ---- stepwise ---------------------------------------------------------------

path_of <- function(model) {
  list(steps = I(as.character(model$anova$Step)), aic = I(model$anova$AIC),
       terms = I(names(coef(model))))
}

full <- lm(week ~ fin + age + race + wexp + mar + paro + prio, rossi)
empty <- lm(week ~ 1, rossi)
scope <- list(lower = ~1, upper = formula(full))
go <- function(from, direction, k) {
  path_of(step(from, scope, direction = direction, k = k, trace = 0))
}
# By p-values R has no search: drop1 and add1 say what the next step is.
by_p <- function(fit, upper, test, enter, leave, drop, add) {
  steps <- character()
  repeat {
    p_of <- function(found) {
      p <- found[[grep("^Pr", names(found))]]
      setNames(p, trimws(rownames(found)))[-1]
    }
    out <- if (drop) p_of(drop1(fit, test = test)) else numeric()
    into <- numeric()
    left <- setdiff(attr(terms(upper), "term.labels"),
                    attr(terms(fit), "term.labels"))
    if (add && length(left)) into <- p_of(add1(fit, upper, test = test))
    if (length(out) && max(out) > leave) {
      steps <- c(steps, paste("-", names(which.max(out))))
      fit <- update(fit, paste(". ~ . -", names(which.max(out))))
    } else if (length(into) && min(into) < enter) {
      steps <- c(steps, paste("+", names(which.min(into))))
      fit <- update(fit, paste(". ~ . +", names(which.min(into))))
    } else {
      return(list(steps = I(steps), terms = I(names(coef(fit))),
                  coefficients = I(unname(coef(fit)))))
    }
  }
}

log_n <- log(nrow(rossi))
crossed <- lm(week ~ fin * age + race * prio, rossi)
steps <- list(
  formula = "week ~ fin + age + race + wexp + mar + paro + prio",
  n = nrow(rossi),
  aic = list(backward = go(full, "backward", 2), forward = go(empty, "forward", 2),
             both = go(full, "both", 2)),
  bic = list(backward = go(full, "backward", log_n),
             forward = go(empty, "forward", log_n), both = go(full, "both", log_n)),
  crossed_formula = "week ~ fin * age + race * prio",
  crossed = path_of(step(crossed, direction = "backward", trace = 0)),
  crossed_forward = path_of(step(empty, list(lower = ~1, upper = formula(crossed)),
                                 direction = "forward", trace = 0))
)

steps$p <- list(
  backward = by_p(full, formula(full), "F", 0, 0.1, TRUE, FALSE),
  forward = by_p(empty, formula(full), "F", 0.15, 1, FALSE, TRUE),
  both = by_p(full, formula(full), "F", 0.15, 0.2, TRUE, TRUE)
)

# A term that comes in for two others, and goes when they are there.
i <- 1:60
decoy <- data.frame(a = sin(i), b = cos(1.7 * i), c = sin(0.3 * i^2))
decoy$both <- decoy$a + decoy$b + 0.2 * sin(2.3 * i^2)
decoy$y <- decoy$a + decoy$b + 0.3 * cos(1.1 * i^2)
steps$decoy <- list(
  aic = path_of(step(lm(y ~ 1, decoy), ~ a + b + c + both, trace = 0)),
  p = by_p(lm(y ~ 1, decoy), y ~ a + b + c + both, "F", 0.15, 0.2, TRUE, TRUE)
)

homes$wave <- factor(homes$period)
binary <- poor ~ x1 + x2 + clusters + region + wave
wide <- glm(binary, binomial, homes)
none <- glm(poor ~ 1, binomial, homes)
steps$logit <- list(
  formula = "poor ~ x1 + x2 + clusters + region + C(period)",
  aic = path_of(step(wide, direction = "backward", trace = 0)),
  forward = path_of(step(none, list(upper = binary), direction = "forward", trace = 0)),
  p = by_p(wide, binary, "LRT", 0, 0.05, TRUE, FALSE),
  test = unname(as.matrix(drop1(wide, test = "LRT")[-1, c("Df", "LRT", "Pr(>Chi)")]))
)
# F tests of the first backward step.
steps$f <- unname(as.matrix(drop1(full, test = "F")[-1, c("Df", "F value", "Pr(>F)")]))
steps$log_likelihood <- as.numeric(logLik(full))

write_reference(list(fits = fits, steps = steps), "linear.json",
                c("sandwich", "lmtest", "car"))
