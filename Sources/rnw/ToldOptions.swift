import ArgumentParser
import Conversion
import Families
import Plain
import ResNetV2
import Tensors

/// What a user says of a network where its file is silent.
struct ToldOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What a network of weights alone ends in: none, softmax, sigmoid, tanh, relu, …",
      valueName: "A"))
  var activation: String?

  @Option(help: ArgumentHelp("How its features are pooled.", valueName: "average|max|flatten|none"))
  var pooling: Told.PoolingKind?

  @Option(help: ArgumentHelp("The epsilon of its norms but for those of a head.", valueName: "E"))
  var epsilon: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What its input is multiplied by within the network: one number, or one for each channel.",
      valueName: "S,…"))
  var inputScale: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What is then added to its input.", valueName: "O,…"))
  var inputOffset: String?

  @Option(
    name: .customLong("option"),
    help: ArgumentHelp(
      "Any other option of the network, by its place in rnw.configuration, such as block.stridedBlock=last; outputStride=16 for a dilated network of TF-Slim.",
      valueName: "PLACE=VALUE"))
  var settings: [String] = []

  @Option(
    name: .customLong("ignore"),
    help: ArgumentHelp("Leave out the tensors whose names match.", valueName: "GLOB"))
  var ignored: [String] = []

  @Option(
    name: .customLong("rules"),
    help: ArgumentHelp(
      "Rules that give the tensors a family's names, where no family knows them (docs/families.md).",
      valueName: "RULES.json"))
  var rules: String?

  /// Whether anything was said.
  var isGiven: Bool {
    activation != nil || pooling != nil || epsilon != nil || inputScale != nil
      || inputOffset != nil || !settings.isEmpty || !ignored.isEmpty || rules != nil
  }

  func validate() throws { _ = try words }

  /// What was said, with the rules that a file holds.
  var told: Told {
    get throws {
      var told = try words
      told.rules = try rules.map { try Rules(path: $0) }
      return told
    }
  }

  /// What was said on the command line itself.
  private var words: Told {
    get throws {
      var told = Told()
      told.activation = try activation.map { word -> Told.LastActivation in
        if ["none", "linear"].contains(word.lowercased()) { return Told.LastActivation.none }
        guard let function = ActivationFunction(text: word) else {
          throw ValidationError(
            "There is no activation '\(word)': none, softmax, sigmoid, tanh, relu, relu6, leakyRelu:SLOPE, elu:ALPHA, "
              + "selu, gelu, geluTanh, silu, softplus, hardSigmoid:SLOPE and hardSwish are known.")
        }
        return .function(function)
      }
      told.pooling = pooling
      guard epsilon.map({ $0 > 0 && $0.isFinite }) ?? true else {
        throw ValidationError("--epsilon takes a positive number.")
      }
      told.epsilon = epsilon
      told.inputScale = try numbers(inputScale, "--input-scale")
      told.inputOffset = try numbers(inputOffset, "--input-offset")
      told.settings = try settings.map { text in
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else {
          throw ValidationError("--option takes PLACE=VALUE, such as block.stridedBlock=last.")
        }
        return .init(path: String(parts[0]), value: String(parts[1]))
      }
      told.ignored = ignored.map { Glob($0) }
      return told
    }
  }

  private func numbers(_ text: String?, _ name: String) throws -> [Double] {
    guard let text else { return [] }
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    guard numbers.allSatisfy({ $0?.isFinite ?? false }) else {
      throw ValidationError("\(name) takes numbers, such as 0.5 or 0.017,0.0175,0.0174.")
    }
    return numbers.compactMap { $0 }
  }
}

extension Told.PoolingKind: ExpressibleByArgument {}
