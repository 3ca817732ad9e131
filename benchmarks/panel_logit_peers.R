# Conditional and random-intercept logits in R, timed without reading.
# Rscript --vanilla panel_logit_peers.R FILE survival|lme4 RUNS

suppressPackageStartupMessages({
  library(survival)
  library(lme4)
})
given <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(given[1])
names <- setdiff(names(rows), c("who", "y"))
right <- paste(names, collapse = " + ")

run <- function() {
  if (given[2] == "survival") {
    formula <- as.formula(paste("y ~", right, "+ strata(who)"))
    fit <- clogit(formula, rows, method = "exact")
    return(c(coef(fit), sqrt(diag(vcov(fit)))))
  }
  formula <- as.formula(paste("y ~", right, "+ (1 | who)"))
  fit <- glmer(formula, rows, binomial, nAGQ = 12)
  c(fixef(fit), getME(fit, "theta"))
}

numbers <- run()
seconds <- vapply(seq_len(as.integer(given[3])), function(i) {
  system.time(run())[["elapsed"]]
}, 0)
packages <- paste("R", getRversion(), given[2], packageVersion(given[2]))
cat(jsonlite::toJSON(list(
  seconds = I(seconds), numbers = I(unname(numbers)), version = jsonlite::unbox(packages)
), digits = 15))
