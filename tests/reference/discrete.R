# Known answers for discrete-time hazards: writes discrete.json from rossi.csv (see
# cox.R), a binomial glm on persons in quarters.

suppressPackageStartupMessages(library(sandwich))
source("common.R")

rossi <- read.csv("rossi.csv")
rossi$quarter <- ceiling(rossi$week / 13)
rows <- rossi[rep(seq_len(nrow(rossi)), rossi$quarter), ]
rows$now <- sequence(rossi$quarter)
rows$left <- as.integer(rows$arrest == 1 & rows$now == rows$quarter)
covariates <- "fin + age + race + wexp + mar + paro + prio"
tight <- glm.control(epsilon = 1e-14, maxit = 100)

described <- function(link) {
  by <- function(right) glm(as.formula(paste("left ~ 0 + factor(now)", right)),
                            binomial(link), rows, control = tight)
  fit <- by(paste("+", covariates))
  people <- rossi[c(1, 7, 200), ]
  chance <- vapply(seq_len(nrow(people)), function(i) {
    each <- people[rep(i, 4), ]
    each$now <- 1:4
    1 - prod(1 - predict(fit, each, type = "response"))
  }, 0)
  list(coefficients = unname(coef(fit)), std_errors = unname(sqrt(diag(vcov(fit)))),
       std_errors_cluster = unname(sqrt(diag(vcovCL(
         fit, rows$person_id, type = "HC0", cadjust = FALSE)))),
       log_likelihood = c(logLik(fit)), log_likelihood_null = c(logLik(by(""))),
       aic = AIC(fit), exit_probability = named(chance, people$person_id))
}

write_reference(
  list(notes = list(
         terms = "a baseline for each quarter, then covariates",
         exit_probability = "1 - prod(1 - hazard) over four quarters"),
       logit = described("logit"), cloglog = described("cloglog")),
  "discrete.json", c("sandwich", "jsonlite"))
