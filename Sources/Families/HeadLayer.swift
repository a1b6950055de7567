import ResNetV2
import Tensors

/// A layer of a head as a file has it.
struct HeadLayer {
  /// The file's name of it, without prefix.
  let name: String
  /// Where it stands among the others.
  let place: HeadPlace
  /// What it is.
  let configuration: Configuration.Head.Layer
  /// Its tensors.
  let parameters: [Parameter.Role: TensorInfo]
  /// The number of values that it reads.
  let inputs: Int
  /// The number of values that it puts out.
  let outputs: Int

  var isDense: Bool {
    if case .dense = configuration { return true }
    return false
  }

  /// Whether it is a convolution: then it may read the map of features as well as what a pool makes of it.
  var isConvolution: Bool { parameters[.weight]?.shape.rank == 4 }

  /// - Parameter norm: the norm of the network, whose ε the head's norms have as well.
  /// - Returns: `nil` where it is not called as layers of heads are, or is of an unknown kind.
  init?(name: String, parameters: [Parameter.Role: TensorInfo], norm: Configuration.Norm) {
    guard let place = HeadPlace(name) else { return nil }
    self.name = name
    self.place = place
    let weight = parameters[.weight]?.shape.dimensions
    if let mean = parameters[.mean], parameters[.variance] != nil, mean.shape.rank == 1 {
      inputs = mean.shape[0]
      outputs = inputs
      let epsilon: Double = if case .batch(let epsilon) = norm { epsilon } else { 1e-5 }
      configuration = .norm(
        .batch(epsilon: epsilon), hasScale: parameters[.weight] != nil,
        hasShift: parameters[.bias] != nil)
      self.parameters = Dictionary(
        uniqueKeysWithValues: parameters.map { role, tensor in
          let own: Parameter.Role =
            switch role {
            case .weight: .scale
            case .bias: .shift
            default: role
            }
          return (own, tensor)
        })
    } else if let weight, weight.count == 2 || weight.count == 4 && weight[2...] == [1, 1],
      parameters[.mean] == nil, parameters[.variance] == nil
    {
      inputs = weight[1]
      outputs = weight[0]
      configuration = .dense(outputs: outputs, hasBias: parameters[.bias] != nil)
      self.parameters = parameters
    } else {
      return nil
    }
  }
}

/// A name of a head's layer, taken apart into words and numbers: `classifier.3`, `head.fc2`.
struct HeadPlace: Comparable {
  /// The words, without numbers.
  let words: [String]
  /// The numbers in order.
  let numbers: [Int]
  /// What stands before the last number of a list, with its dot; `nil` where the name does not end in
  /// such a number.
  private let list: String?

  /// The words by which people call heads.
  ///
  /// Others are not taken: `prototypes` and `arcface` have
  /// matrices as well, but are not applied as dense layers are.
  private static let known: Set<String> = [
    "fc", "head", "heads", "classifier", "classif", "linear", "last_linear", "logits", "logit",
    "cls", "cls_head", "output", "out", "final", "dense", "prediction", "predictions", "mlp",
    "new_fc", "fc_out", "out_fc", "output_layer", "classification_head", "conv",
  ]

  init?(_ name: String) {
    var words: [String] = []
    var numbers: [Int] = []
    let components = name.split(separator: ".", omittingEmptySubsequences: false)
    for component in components {
      if let number = Self.number(component) {
        numbers.append(number)
        continue
      }
      let digits = component.reversed().prefix { $0.isASCII && $0.isNumber }.count
      var word = component.dropLast(digits)
      if word.hasSuffix("_"), digits > 0 { word = word.dropLast() }
      guard Self.known.contains(word.lowercased()) else { return nil }
      words.append(word.lowercased())
      if digits > 0 {
        guard let number = Self.number(component.suffix(digits)) else { return nil }
        numbers.append(number)
      }
    }
    guard let first = components.first, Self.number(first) == nil, let last = components.last
    else { return nil }
    self.words = words
    self.numbers = numbers
    list = Self.number(last) == nil ? nil : String(name.dropLast(last.count))
  }

  /// A number of a few digits.
  private static func number(_ text: Substring) -> Int? {
    guard text.count <= 6, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return Int(text)
  }

  /// Whether the name is that of a child of a `Sequential`, which computes them in their order; a list called `heads`
  /// may be a `ModuleList`, which computes nothing itself.
  var isOfSequence: Bool { list != nil && words.last != "heads" }

  /// The number within its list.
  var numberInList: Int? { list == nil ? nil : numbers.last }

  /// The name of what comes next in the list.
  var next: String? {
    guard let list, let number = numbers.last else { return nil }
    return "\(list)\(number + 1)"
  }

  /// Whether something without parameters may stand between the two.
  func isApart(from before: HeadPlace) -> Bool {
    guard let list, list == before.list, let number = numbers.last, let other = before.numbers.last
    else { return true }
    return number - 1 > other
  }

  static func < (first: HeadPlace, second: HeadPlace) -> Bool {
    first.numbers.lexicographicallyPrecedes(second.numbers)
  }
}
