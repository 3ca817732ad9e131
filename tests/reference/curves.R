# Known answers for survival curves: writes curves.json from rossi.csv (see cox.R).

suppressPackageStartupMessages(library(survival))
source("common.R")

rossi <- read.csv("rossi.csv")
# Made up, to try weights that are no counts, and intervals of 8 or 13 weeks.
rossi$weight <- 0.5 + (seq_len(nrow(rossi)) * 13 %% 7) %% 5 / 2
rossi$step <- ifelse(seq_len(nrow(rossi)) %% 3 == 0, 13, 8)
rossi$low <- floor((rossi$week - 1) / rossi$step) * rossi$step
rossi$high <- ifelse(rossi$arrest == 1, rossi$low + rossi$step, NA)
rossi$low <- ifelse(rossi$arrest == 1, rossi$low, rossi$week)

described <- function(fit, horizon) {
  means <- survival:::survmean(fit, rmean = horizon)$matrix
  if (is.null(dim(means))) means <- t(means)
  rest <- quantile(fit, c(.1, .25, .5))
  list(
    time = fit$time, at_risk = fit$n.risk, events = fit$n.event,
    censored = fit$n.censor, survival = fit$surv,
    log_error = if (fit$logse) fit$std.err else fit$std.err / fit$surv,
    low = fit$lower, high = fit$upper, hazard = fit$cumhaz,
    hazard_error = fit$std.chaz,
    restricted_mean = I(unname(means[, "rmean"])),
    restricted_mean_error = I(unname(means[, "se(rmean)"])),
    quantiles = lapply(rest, function(q) I(as.numeric(q))))
}

tested <- function(formula, data = rossi, rho = 0) {
  found <- survdiff(formula, data, rho = rho)
  total <- function(x) if (is.matrix(x)) rowSums(x) else x
  list(observed = total(found$obs), expected = total(found$exp),
       variance = unname(found$var), statistic = found$chisq,
       df = length(found$n) - 1, p_value = pchisq(found$chisq, length(found$n) - 1,
                                                  lower.tail = FALSE))
}

# Gehan's test has no function in survival: its statistic by the textbook sums.
weighed <- function(weigh, entry = rep(0, nrow(rossi))) {
  times <- sort(unique(rossi$week[rossi$arrest == 1]))
  gap <- 0; variance <- 0
  for (t in times) {
    risk <- rossi$week >= t & entry < t; own <- risk & rossi$fin == 1
    now <- rossi$week == t & rossi$arrest == 1
    n <- sum(risk); n1 <- sum(own); d <- sum(now); k <- weigh(n)
    gap <- gap + k * (sum(now & own) - d * n1 / n)
    if (n > 1) variance <- variance +
      k^2 * d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1)
  }
  gap^2 / variance
}

# With weights: the robust score test of a Cox model at 0.
score <- coxph(Surv(week, arrest) ~ fin, rossi, weights = weight, robust = TRUE,
               ties = "breslow", init = 0, control = coxph.control(iter.max = 0))
own <- rossi$weight * residuals(score, "score")

# Turnbull's curve by plain EM over the cells between all bounds; survfit's own loop
# stops early, so it is only asked to be near.
between <- Surv(rossi$low, rossi$high, type = "interval2")
bounds <- sort(unique(c(rossi$low, rossi$high[!is.na(rossi$high)], Inf)))
ends <- ifelse(is.na(rossi$high), Inf, rossi$high)
inside <- outer(rossi$low, head(bounds, -1), "<=") & outer(ends, bounds[-1], ">=")
alike <- match(split(inside, row(inside)), unique(split(inside, row(inside))))
rows <- inside[match(seq_len(max(alike)), alike), ] + 0
share <- tabulate(alike) / nrow(inside)
mass <- rep(1 / ncol(inside), ncol(inside))
for (i in 1:20000) mass <- mass * c(crossprod(rows, share / c(rows %*% mass)))
at <- c(8, 13, 24, 26, 39, 40)
curve <- 1 - cumsum(mass)[match(at, bounds[-1])]
near <- summary(survfit(between ~ 1, se.fit = FALSE), times = at)$surv
stopifnot(max(abs(near - curve)) < 2e-3)
turnbull <- list(at = at, survival = curve,
                 log_likelihood = sum(log(inside %*% mass)))

week <- function(type, horizon = 40) described(
  survfit(Surv(week, arrest) ~ 1, rossi, conf.type = type), horizon)
write_reference(
  list(
    notes = list(
      horizon = "restricted means up to week 40",
      weighted = "weight is made up and no count: robust standard errors",
      turnbull = paste(
        "exits known up to intervals of 8 weeks, for every third person of 13; the",
        "curve at weeks where all intervals end or nobody's exit can lie across")),
    log = week("log"), loglog = week("log-log"), plain = week("plain"),
    weighted = described(
      survfit(Surv(week, arrest) ~ 1, rossi, weights = weight, robust = TRUE), 40),
    weights = rossi$weight, low = rossi$low, high = rossi$high,
    late_entry = described(survfit(Surv(entry, week, arrest) ~ 1, rossi), 40),
    by_fin = lapply(0:1, function(g) described(
      survfit(Surv(week, arrest) ~ 1, rossi[rossi$fin == g, ]), 40)),
    log_rank = tested(Surv(week, arrest) ~ fin),
    peto = tested(Surv(week, arrest) ~ fin, rho = 1),
    log_rank_prio = tested(Surv(week, arrest) ~ pmin(prio, 5)),
    stratified = tested(Surv(week, arrest) ~ fin + strata(wexp)),
    gehan = weighed(identity), tarone_ware = weighed(sqrt),
    late_log_rank = weighed(function(n) 1, rossi$entry),
    weighted_test = sum(own)^2 / sum(own^2),
    turnbull = turnbull),
  "curves.json", c("survival", "jsonlite"))
