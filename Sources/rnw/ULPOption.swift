import ArgumentParser

/// Whether differences are shown in units in the last place too.
struct ULPOption: ParsableArguments {
  @Flag(
    name: .customLong("ulp"),
    help: ArgumentHelp(
      "Also show differences in units in the last place: the most of any value (ULP), which is large near zero, and the "
        + "largest difference in those of the layer's largest value."))
  var isGiven = false
}
