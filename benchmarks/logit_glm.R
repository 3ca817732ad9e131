# Times glm, with or without a clustered covariance, for bench_logit.py:
# Rscript --vanilla logit_glm.R households.csv plain|clustered runs

asked <- commandArgs(trailingOnly = TRUE)
homes <- if (requireNamespace("data.table", quietly = TRUE))
  as.data.frame(data.table::fread(asked[1])) else read.csv(asked[1])
formula <- reformulate(setdiff(names(homes), c("poor", "home")), "poor")

work <- function() {
  fit <- glm(formula, binomial, homes, control = glm.control(epsilon = 1e-10))
  if (asked[2] == "plain") return(coef(fit))
  V <- sandwich::vcovCL(fit, cluster = homes$home, type = "HC1")
  c(coef(fit), sqrt(diag(V)))
}

numbers <- work()
seconds <- replicate(as.integer(asked[3]), {
  started <- proc.time()[["elapsed"]]
  work()
  proc.time()[["elapsed"]] - started
})
digits <- function(x) paste(sprintf("%.17g", x), collapse = ", ")
cat(sprintf('{"seconds": [%s], "numbers": [%s], "version": "R %s.%s"}',
            digits(seconds), digits(numbers), R.version$major, R.version$minor))
