import ArgumentParser

struct DictionaryOption: ParsableArguments {
  @Option(
    name: .customLong("dictionary"),
    help: ArgumentHelp(
      "Which dictionary of tensors a PyTorch checkpoint is read from, such as model_ema; the likeliest if left out.",
      valueName: "NAME"))
  var name: String?
}
