# Known answers for exits beyond cox.R: writes hazard.json. Needs rossi.csv (cox.R).
# Everything here is a Cox model; ties are Efron's unless it says otherwise.

suppressPackageStartupMessages(library(survival))
source("common.R")

rossi <- read.csv("rossi.csv")
n <- nrow(rossi)
rossi$row <- seq_len(n)
# Made up: weights 1 to 5, scaled to sum to n; three classes of former convictions.
weight <- 1 + (rossi$row * 3) %% 5
rossi$weight <- weight / mean(weight)
rossi$record <- cut(rossi$prio, c(-1, 1, 4, 99), labels = c("few", "some", "many"))
# Twelve groups of 36 that are alike in when they leave, more or less (made up).
mixed <- rank(rossi$week + (rossi$row * 37) %% 61, ties.method = "first")
rossi$province <- sprintf("p%02d", (mixed - 1) %/% 36 + 1)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
transforms <- c("km", "rank", "identity")

zph <- function(fit) lapply(setNames(transforms, transforms), function(how) {
  found <- cox.zph(fit, how)$table
  lapply(setNames(rownames(found), rownames(found)), function(row)
    list(chisq = found[row, 1], df = found[row, 2], p = found[row, 3]))
})

# Survival of two persons at four times, with the interval that stays in 0 to 1.
people <- data.frame(
  fin = c(1, 0), age = c(20, 35), race = c(1, 0), wexp = c(0, 1), mar = c(0, 1),
  paro = c(1, 1), prio = c(2, 8), record = factor(c("some", "many"),
                                                 levels(rossi$record)))
times <- c(5, 20, 37.5, 52)
curves <- function(fit) lapply(seq_len(nrow(people)), function(i) {
  found <- summary(survfit(fit, newdata = people[i, ], conf.type = "log-log"),
                   times = times)
  list(survival = as.numeric(found$surv), low = as.numeric(found$lower),
       high = as.numeric(found$upper), hazard_se = as.numeric(
         found$std.err / found$surv))
})

describe <- function(formula, data = rossi, ties = "efron", curved = TRUE, ...) {
  fit <- do.call(coxph, list(formula, data, ties = ties, control = tight, x = TRUE,
                             model = TRUE, ...))
  agreement <- concordance(fit)
  out <- list(
    formula = paste(deparse(formula), collapse = " "), ties = ties,
    terms = names(coef(fit)), coefficients = as.numeric(coef(fit)),
    vcov = unname(vcov(fit)),
    naive = unname(if (is.null(fit$naive.var)) fit$var else fit$naive.var),
    log_likelihood = fit$loglik, ph_test = zph(fit),
    martingale = head(as.numeric(resid(fit, "martingale")), 40),
    deviance = head(as.numeric(resid(fit, "deviance")), 40),
    concordance = unname(agreement$concordance),
    concordance_se = sqrt(agreement$var))
  if (curved) out$curves <- curves(fit)
  out
}

plain <- Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio
small <- Surv(week, arrest) ~ fin + age + prio
every <- Surv(entry, week, arrest) ~ fin + age + prio + strata(wexp)

efron <- describe(plain)
fit <- coxph(plain, rossi, control = tight)
efron$score_residuals <- unname(resid(fit, "score"))[1:20, ]
efron$schoenfeld <- unname(resid(fit, "schoenfeld"))[1:20, ]
scaled <- cox.zph(fit, "km")
efron$scaled_schoenfeld <- unname(scaled$y)
efron$scaled_time <- scaled$time
efron$scaled_transformed <- scaled$x

# Rows that change over time: three rows a person at most, cut at weeks 15 and 30.
split <- survSplit(Surv(week, arrest) ~ ., rossi, cut = c(15, 30), start = "start",
                   episode = "episode")
split$later <- split$prio * (split$episode - 1)

# Gamma frailty, the full matrix of second derivatives: at given variances, and at
# the one with the greatest marginal likelihood.
frail <- function(...) {
  fit <- coxph(Surv(week, arrest) ~ fin + age + prio +
                 frailty(province, sparse = FALSE, ...), rossi, x = TRUE,
               control = coxph.control(eps = 1e-12, toler.chol = 1e-14,
                                       iter.max = 100, outer.max = 100))
  found <- fit$history[[1]]
  k <- seq_len(3)
  list(variance = found$theta, coefficients = as.numeric(coef(fit))[k],
       vcov = unname(vcov(fit))[k, k], log_multipliers = as.numeric(coef(fit))[-k],
       std_errors = sqrt(diag(vcov(fit)))[-k] |> as.numeric(),
       log_likelihood = as.numeric(found$c.loglik))
}
frailty_model <- lapply(c(0.05, 0.3, 1), function(v) frail(theta = v))
frailty_best <- frail(eps = 1e-13)

write_reference(
  list(
    times = times, people = lapply(seq_len(2), function(i) as.list(people[i, 1:7])),
    efron = efron,
    breslow = describe(plain, ties = "breslow"),
    categories = describe(Surv(week, arrest) ~ fin + age + record),
    weighted = describe(small, weights = rossi$weight),
    weighted_robust = describe(small, weights = rossi$weight, cluster = rossi$row,
                               curved = FALSE),
    clustered = describe(small, cluster = rossi$group, curved = FALSE),
    everything = describe(every, weights = rossi$weight, cluster = rossi$group,
                          curved = FALSE),
    everything_breslow = describe(every, weights = rossi$weight, ties = "breslow",
                                  curved = FALSE),
    stratified = describe(Surv(week, arrest) ~ fin + age + prio + strata(wexp)),
    frailty = frailty_model, frailty_best = frailty_best,
    changing = describe(Surv(start, week, arrest) ~ fin + age + prio + later, split,
                        curved = FALSE),
    changing_robust = describe(Surv(start, week, arrest) ~ fin + age + prio + later,
                               split, curved = FALSE, cluster = split$row)),
  "hazard.json", c("survival", "jsonlite"))
