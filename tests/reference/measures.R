# Known answers for poverty and inequality: writes measures.json and eusilc.csv.
#
# eusilc is laeken's synthetic data set: 14,827 persons made to look like Austria's
# EU-SILC; it describes nobody. Persons of a household share income and weight, so
# the table keeps one row a household, and weights are in the JSON file by region and
# size of household, which is all they depend on.

suppressPackageStartupMessages({
  library(laeken)
  library(survey)
  library(numDeriv)
})
source("common.R")

data(eusilc)
people <- with(eusilc, data.frame(
  household = db030, size = hsize, region = as.integer(db040),
  # Four decimals keep the table short, and every digit that is checked below.
  income = round(eqIncome, 4), weight = rb050
))
homes <- people[!duplicated(people$household), ]
cells <- unique(homes[order(homes$region, homes$size), c("region", "size", "weight")])
stopifnot(nrow(cells) == nrow(unique(cells[, c("region", "size")])),
          all(tapply(people$size, people$household, length) == homes$size))
write.csv(
  data.frame(income = format(homes$income, digits = 15, trim = TRUE, scientific = FALSE,
                             drop0trailing = TRUE),
             persons = homes$size, region = homes$region),
  "eusilc.csv", row.names = FALSE, quote = FALSE
)
stopifnot(identical(as.numeric(read.csv("eusilc.csv")$income), homes$income))

# ---- definitions, each a function of incomes, weights and line ----------------------

mean_of <- function(y, w) sum(w * y) / sum(w)
fgt_of <- function(y, w, z, alpha) sum((w * (1 - y / z)^alpha)[y < z]) / sum(w)
watts_of <- function(y, w, z) sum((w * log(z / y))[y < z]) / sum(w)
gini_of <- function(y, w) laeken::gini(y, w)$value / 100

# Sen: H (I + (1 - I) G), with the Gini coefficient of the poor from laeken.
sen_of <- function(y, w, z) {
  poor <- y < z
  headcount <- sum(w[poor]) / sum(w)
  gap <- mean_of(1 - y[poor] / z, w[poor])
  headcount * (gap + (1 - gap) * gini_of(y[poor], w[poor]))
}

# Sen-Shorrocks-Thon: the gap index times 1 + the Gini coefficient of all gaps.
sst_of <- function(y, w, z) {
  gaps <- pmax(1 - y / z, 0)
  mean_of(gaps, w) * (1 + gini_of(gaps, w))
}

# ---- the whole sample ---------------------------------------------------------------

y <- people$income
w <- people$weight
half_mean <- 0.5 * mean_of(y, w)
at_risk <- arpt(y, w)
regional <- list(
  arpr = as.numeric(arpr(y, w, breakdown = people$region)$valueByStratum$value),
  gini = as.numeric(laeken::gini(y, w, breakdown = people$region)$valueByStratum$value)
)
whole <- list(
  arpt = at_risk, arpr = arpr(y, w)$value, gini = laeken::gini(y, w)$value,
  half_mean = half_mean, median = incMedian(y, w), by_region = regional,
  fgt = lapply(0:2, function(a) fgt_of(y, w, half_mean, a)),
  sen = sen_of(y, w, half_mean), sst = sst_of(y, w, half_mean),
  watts_above_zero = watts_of(y[y > 0], w[y > 0], half_mean)
)
# What the work asked for, to its printed digits.
stopifnot(abs(whole$arpr - 14.444218) < 1e-6, abs(whole$arpt - 10859.236) < 1e-3,
          abs(whole$gini - 26.489619) < 1e-6, abs(half_mean - 9945.403466) < 1e-6,
          max(abs(unlist(whole$fgt) - c(.112288, .031637, .016017))) < 1e-6)

# ---- standard errors at a known line: survey ----------------------------------------

line <- 10000
people <- within(people, {
  poor <- as.numeric(income < line)
  gap <- poor * (1 - income / line)
  severity <- gap^2
})
designs <- list(
  persons = svydesign(~1, weights = ~weight, data = people),
  strata = svydesign(~1, strata = ~region, weights = ~weight, data = people),
  clusters = svydesign(~household, weights = ~weight, data = people),
  both = svydesign(~household, strata = ~region, weights = ~weight, data = people)
)
fixed_line <- lapply(designs, function(d) {
  found <- svymean(~poor + gap + severity, d)
  list(estimate = as.numeric(coef(found)), vcov = unname(vcov(found)), df = degf(d))
})
by_size <- function(d) {
  found <- svyby(~gap, ~size, d, svymean, covmat = TRUE)
  list(size = found$size, estimate = found$gap, std_error = found$se,
       vcov = unname(vcov(found)))
}
groups <- list(persons = by_size(designs$persons), both = by_size(designs$both))

# Each region's share of all gaps, as a ratio.
shares <- t(sapply(1:9, function(r) {
  people$own <- people$gap * (people$region == r)
  d <- svydesign(~household, strata = ~region, weights = ~weight, data = people)
  found <- svyratio(~own, ~gap, d)
  c(coef(found), SE(found))
}))

# Missing incomes: the design stays whole, the domain shrinks.
people$hole <- ifelse(people$household %% 7 == 0, NA, people$gap)
d <- svydesign(~household, strata = ~region, weights = ~weight, data = people)
found <- svymean(~hole, d, na.rm = TRUE)
missing <- list(estimate = as.numeric(coef(found)), std_error = as.numeric(SE(found)))

# ---- standard errors of curved indices: derivatives by weights ----------------------

# Demnati & Rao (2004): the linearised value of a row is the derivative of the index
# by its weight, taken here numerically from the definitions.
few <- subset(people, region %in% c(1, 9) & household %% 3 == 0 & income > 0)
few_design <- svydesign(~household, strata = ~region, weights = ~weight, data = few)
linearised <- function(index) {
  value <- index(few$income, few$weight)
  z <- vapply(seq_len(nrow(few)), function(i) {
    step <- 1e-3 * few$weight[i]
    at <- function(s) {
      v <- few$weight
      v[i] <- v[i] + s
      index(few$income, v)
    }
    (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
  }, 0)
  variance <- as.numeric(vcov(svytotal(z, few_design)))
  list(estimate = value, std_error = sqrt(variance))
}
curved <- list(
  gini = linearised(gini_of),
  sen = linearised(function(y, w) sen_of(y, w, 12000)),
  sst = linearised(function(y, w) sst_of(y, w, 12000)),
  watts = linearised(function(y, w) watts_of(y, w, 12000)),
  relative_gap = linearised(function(y, w) fgt_of(y, w, 0.5 * mean_of(y, w), 1)),
  relative_severity = linearised(function(y, w) fgt_of(y, w, 0.5 * mean_of(y, w), 2)),
  relative_watts = linearised(function(y, w) watts_of(y, w, 0.5 * mean_of(y, w))),
  relative_sst = linearised(function(y, w) sst_of(y, w, 0.5 * mean_of(y, w)))
)
# Two ways agree where the survey package has one of its own.
stopifnot(abs(curved$watts$std_error - SE(svymean(
  ~I(ifelse(income < 12000, log(12000 / income), 0)), few_design))) < 1e-9)

# A stratum with a single cluster, centred at the mean of all.
options(survey.lonely.psu = "adjust")
few$split <- ifelse(few$household == few$household[1], 3, few$region)
lonely_design <- svydesign(~household, strata = ~split, weights = ~weight, data = few)
found <- svymean(~gap, lonely_design)
lonely <- list(estimate = as.numeric(coef(found)), std_error = as.numeric(SE(found)))

# ---- growth and redistribution, from the definition ---------------------------------

odd <- people$household %% 2 == 1
change <- local({
  a <- people[odd, ]; b <- people[!odd & people$region > 2, ]
  b$income <- 1.3 * b$income
  z <- c(11000, 12000)
  index <- function(spread, spread_line, level, level_line) {
    x <- spread$income / spread_line
    to <- mean_of(level$income / level_line, level$weight)
    fgt_of(x * to / mean_of(x, spread$weight), spread$weight, 1, 1)
  }
  aa <- index(a, z[1], a, z[1]); ab <- index(a, z[1], b, z[2])
  ba <- index(b, z[2], a, z[1]); bb <- index(b, z[2], b, z[2])
  list(change = bb - aa, growth_first = ab - aa, redistribution_first = ba - aa,
       growth_last = bb - ba, redistribution_last = bb - ab,
       growth = (ab - aa + bb - ba) / 2, redistribution = (ba - aa + bb - ab) / 2)
})

# ---- what convey prints --------------------------------------------------------------

# From the documentation of convey 0.2.5 (not in Debian): eusilc, persons as primary
# units, strata of regions. Rounded as printed. Its Gini (.26497) differs from laeken's
# in the fourth digit, because it takes the end of each person's weight and not its
# middle: only its standard error is kept.
convey <- list(
  abs_fgt0 = c(.11444, .0027), abs_fgt1 = c(.032085, .0011),
  median_fgt0 = c(.14444, .0028), median_fgt1 = c(.039809, .0011),
  mean_fgt0 = c(.18818, .0028), mean_fgt1 = c(.051187, .0011),
  watts_above_zero = c(.051744, .0023), gini_std_error = .0019, arpt_std_error = 50.636
)
# Its bandwidth: the standard deviation over the fifth root of the population.
bandwidth <- sqrt(mean_of((y - mean_of(y, w))^2, w)) / sum(w)^0.2

write_reference(list(
  notes = paste("eusilc.csv is synthetic (R package laeken); persons are its rows,",
                "each repeated by its column persons."),
  weights = list(region = cells$region, persons = cells$size, weight = cells$weight),
  whole = whole, line = line, fixed_line = fixed_line, by_size = groups,
  shares = shares, missing = missing, curved = curved, lonely = lonely,
  change = change, convey = convey, convey_bandwidth = bandwidth
), "measures.json", c("laeken", "survey", "numDeriv"))
