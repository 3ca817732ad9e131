# Known answers for the Cox model: writes cox.json, and carData's Rossi (weeks to
# arrest of 432 released prisoners; Rossi, Berk & Lenihan 1980) as rossi.csv.

suppressPackageStartupMessages(library(survival))
source("common.R")

data("Rossi", package = "carData")
rossi <- data.frame(
  person_id = sprintf("p%03d", seq_len(nrow(Rossi))), week = Rossi$week,
  arrest = Rossi$arrest, fin = 1L * (Rossi$fin == "yes"), age = Rossi$age,
  race = 1L * (Rossi$race == "black"), wexp = 1L * (Rossi$wexp == "yes"),
  mar = 1L * (Rossi$mar == "married"), paro = 1L * (Rossi$paro == "yes"),
  prio = Rossi$prio)
# Made up, to try clusters and late entry: 36 groups of 12; entry from week 0 to 9,
# before the week of arrest or end.
rossi$group <- sprintf("g%02d", (seq_len(nrow(rossi)) - 1) %/% 12 + 1)
rossi$entry <- pmin((seq_len(nrow(rossi)) * 7) %% 10, rossi$week - 1)
write.csv(rossi, "rossi.csv", row.names = FALSE, quote = FALSE)

tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
covariates <- c("fin", "age", "race", "wexp", "mar", "paro", "prio")
right <- paste(covariates, collapse = " + ")
times <- c(1, 8, 10, 20, 26, 40, 52)

cox <- function(left, right, ties = "efron", ...) do.call(coxph, list(
  as.formula(paste(left, "~", right)), rossi, ties = ties, control = tight,
  x = TRUE, model = TRUE, ...))

# The cumulative hazard of a person with these covariates; ctype 1 counts tied
# events the Breslow way (lifelines), 2 the Efron way (R's default after Efron).
baseline <- function(fit, at, ctype) {
  curve <- survfit(fit, newdata = at, stype = 2, ctype = ctype)
  by_time <- function(cumulative, time) approx(
    c(0, time), c(0, cumulative), xout = times, method = "constant", rule = 2)$y
  if (is.null(curve$strata)) return(by_time(curve$cumhaz, curve$time))
  strata <- rep(names(curve$strata), curve$strata)
  lapply(split(seq_along(strata), strata), function(i)
    by_time(curve$cumhaz[i], curve$time[i]))
}

describe <- function(left, right, note, ties = "efron") {
  fit <- cox(left, right, ties)
  robust <- cox(left, right, ties, cluster = rossi$person_id)
  grouped <- cox(left, right, ties, cluster = rossi$group)
  terms <- names(coef(fit))
  stopifnot(all.equal(coef(fit), coef(robust)),
            max(abs(colSums(resid(fit, "score")))) < 1e-7)
  at_zero <- as.data.frame(as.list(setNames(rep(0, length(terms)), terms)))
  at_mean <- as.data.frame(as.list(colMeans(rossi[terms])))
  hazards <- function(at) list(breslow = baseline(fit, at, 1),
                               efron = baseline(fit, at, 2))
  agreement <- concordance(fit)
  list(
    note = note, ties = ties, terms = terms,
    coefficients = named(coef(fit), terms),
    std_errors = named(sqrt(diag(vcov(fit))), terms),
    std_errors_robust = named(sqrt(diag(vcov(robust))), terms),
    std_errors_cluster_group = named(sqrt(diag(vcov(grouped))), terms),
    vcov = unname(vcov(fit)), vcov_robust = unname(vcov(robust)),
    vcov_cluster_group = unname(vcov(grouped)),
    facts = list(
      n_obs = fit$n, n_events = fit$nevent, log_likelihood_null = fit$loglik[1],
      log_likelihood = fit$loglik[2], lr = 2 * diff(fit$loglik),
      aic = AIC(fit), wald = fit$wald.test, score_test = fit$score,
      concordance = unname(agreement$concordance),
      concordance_se = sqrt(agreement$var)),
    times = times,
    cumulative_hazard_at_zero = hazards(at_zero),
    cumulative_hazard_at_mean = hazards(at_mean))
}

ph_test <- function(transform) {
  found <- cox.zph(cox("Surv(week, arrest)", right), transform)$table
  lapply(setNames(rownames(found), rownames(found)),
         function(row) as.list(found[row, ]))
}

# Facts printed in the project's notes, six digits.
check_known <- function(fit) {
  same <- function(value, digits) stopifnot(abs(value - digits) < 6e-7)
  same(fit$facts$log_likelihood_null, -675.380632)
  same(fit$facts$log_likelihood, -658.747659)
  same(fit$facts$lr, 33.265946)
  same(fit$facts$concordance, .640329)
  b <- c(-.379422, -.057438, .313900, -.149796, -.433704, -.084871, .091497)
  s <- c(.191379, .021999, .307993, .212224, .381868, .195757, .028649)
  same(max(abs(unlist(fit$coefficients) - b)), 0)
  same(max(abs(unlist(fit$std_errors) - s)), 0)
}

efron <- describe("Surv(week, arrest)", right, "Surv(week, arrest), Efron")
check_known(efron)
notes <- list(
  robust = paste(
    "Lin & Wei (1989) sandwich of dfbeta residuals, one cluster a row (robust) or",
    "a group (cluster_group); no small-sample factor."),
  hazards = paste(
    "Cumulative hazard at the given times with all covariates 0, or at the means",
    "of all 432 rows; breslow and efron: how tied events count in it, with the",
    "coefficients unchanged. Stratified: one list a stratum."),
  late_entry = "entry is made up; a row is at risk in (entry, week].")
write_reference(
  list(
    notes = notes, efron = efron,
    breslow = describe("Surv(week, arrest)", right, "Breslow ties", "breslow"),
    late_entry = describe("Surv(entry, week, arrest)", right,
                          "at risk in (entry, week], Efron"),
    stratified = describe("Surv(week, arrest)",
                          "fin + age + race + mar + prio + strata(wexp)",
                          "strata wexp, Efron"),
    ph_test_km = ph_test("km"), ph_test_identity = ph_test("identity"),
    ph_test_rank = ph_test("rank")),
  "cox.json", c("survival", "carData", "jsonlite"))
