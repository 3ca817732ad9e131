# Times plm's difference and system GMM for bench_dynamic.py:
# Rscript --vanilla dynamic_plm.R firms.csv difference|system runs

suppressPackageStartupMessages(library(plm))
asked <- commandArgs(trailingOnly = TRUE)
firms <- pdata.frame(read.csv(asked[1]), index = c("unit_id", "year"))
system <- asked[2] == "system"

work <- function() {
  fit <- pgmm(n ~ lag(n, 1) + w | lag(n, 2:4) + lag(w, 2:4), data = firms,
              effect = "twoways", model = "twosteps", collapse = system,
              transformation = if (system) "ld" else "d")
  # plm starts a system's first step elsewhere: only the first two are compared.
  said <- summary(fit, robust = TRUE)
  c(coef(fit)[1:2], said$coefficients[1:2, 2])
}

numbers <- work()
seconds <- replicate(as.integer(asked[3]), {
  started <- proc.time()[["elapsed"]]
  work()
  proc.time()[["elapsed"]] - started
})
digits <- function(x) paste(sprintf("%.17g", x), collapse = ", ")
cat(sprintf('{"seconds": [%s], "numbers": [%s], "version": "R %s.%s, plm %s"}',
            digits(seconds), digits(numbers), R.version$major, R.version$minor,
            packageVersion("plm")))
