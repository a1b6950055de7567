import Comparison
package import Tensors
import Threads

/// Two files' tensors, compared name by name, and the options in which their networks differ.
package struct WeightComparison: Sendable {
  /// The tensors that both have in the same shape, in the order of the first file.
  package private(set) var tensors: [WeightDifference]
  /// The tensors that both have in different shapes.
  package let misshapen: [Misshapen]
  /// The tensors that only the first file has.
  package private(set) var onlyFirst: [Lone]
  /// The tensors that only the second file has.
  package private(set) var onlySecond: [Lone]
  /// The options in which the two networks differ.
  package let options: [DifferingOption]

  /// An option of which the two networks have different values.
  package struct DifferingOption: Hashable, Sendable {
    /// Its place in the configuration, such as `stem.poolPadding`.
    package let name: String
    /// The first network's value; `nil` where it has no such option.
    package let first: String?
    /// The second network's value.
    package let second: String?

    /// Describes an option.
    package init(name: String, first: String?, second: String?) {
      self.name = name
      self.first = first
      self.second = second
    }
  }

  /// Two tensors of one name and different shapes.
  package struct Misshapen: Sendable {
    /// The name that both have.
    package let name: String
    /// The shapes, first and second.
    package let shapes: [Shape]
  }

  /// A tensor without a partner.
  package struct Lone: Sendable {
    /// Its name.
    package let name: String
    /// What its file calls it.
    package let fileName: String
    /// The dimensions.
    package let shape: Shape
    /// The tensor of the other file with the same values, which was renamed.
    package fileprivate(set) var renamed: String?
  }

  /// Compares all tensors.
  ///
  /// - Parameter options: the options in which the two networks differ.
  /// - Throws: nothing of its own.
  package init(
    _ first: [ComparedTensor], _ second: [ComparedTensor], options: [DifferingOption] = [],
    threads: Int
  ) throws {
    self.options = options
    let others = Dictionary(second.map { ($0.name, $0) }) { first, _ in first }
    let names = Set(first.map(\.name))
    var pairs: [(ComparedTensor, ComparedTensor)] = []
    var misshapen: [Misshapen] = []
    for tensor in first {
      guard let other = others[tensor.name] else { continue }
      if tensor.tensor.shape == other.tensor.shape {
        pairs.append((tensor, other))
      } else {
        misshapen.append(
          Misshapen(name: tensor.name, shapes: [tensor.tensor.shape, other.tensor.shape]))
      }
    }
    self.misshapen = misshapen
    tensors = try concurrentMap(pairs, threads: threads) { WeightDifference($0, $1) }
    onlyFirst = first.filter { others[$0.name] == nil }.map(Lone.init)
    onlySecond = second.filter { !names.contains($0.name) }.map(Lone.init)
    findMoved(first, second)
  }

  /// Whether both files hold the same network: the same weights, and the same options.
  package var areEqual: Bool { weightsAreEqual && options.isEmpty }

  /// Whether both files have the same tensors with the same values, to the bit.
  package var weightsAreEqual: Bool {
    misshapen.isEmpty && onlyFirst.isEmpty && onlySecond.isEmpty
      && tensors.allSatisfy(\.isEqual)
  }

  /// The rounding by which all differences are explained.
  package var rounding: WeightDifference.Rounding? {
    let differing = tensors.filter { !$0.isEqual }
    guard misshapen.isEmpty, let rounding = differing.first?.rounding,
      differing.allSatisfy({ $0.rounding == rounding })
    else { return nil }
    return rounding
  }

  /// Finds tensors whose values stand under another name on the other side.
  private mutating func findMoved(_ first: [ComparedTensor], _ second: [ComparedTensor]) {
    let differing = tensors.indices.filter { !tensors[$0].isEqual }
    guard !(differing.isEmpty && onlyFirst.isEmpty && onlySecond.isEmpty) else { return }
    let own = ValueIndex(first)
    let other = ValueIndex(second)
    for index in differing {
      let name = tensors[index].name
      guard let tensor = own[name], let place = other.place(of: tensor) else { continue }
      let partner = other[name].flatMap { own.place(of: $0) }
      tensors[index].finding =
        partner == place ? "exchanged with \(place)" : "is the second file's \(place)"
    }
    for index in onlyFirst.indices {
      onlyFirst[index].renamed = own[onlyFirst[index].name].flatMap { other.place(of: $0) }
    }
    for index in onlySecond.indices {
      onlySecond[index].renamed = other[onlySecond[index].name].flatMap { own.place(of: $0) }
    }
  }
}

extension WeightComparison.Lone {
  fileprivate init(_ tensor: ComparedTensor) {
    self.init(name: tensor.name, fileName: tensor.fileName, shape: tensor.tensor.shape)
  }
}

/// Tensors by name and by values.
private struct ValueIndex {
  private let byName: [String: TensorData]
  private let byValues: [Key: [String]]

  private struct Key: Hashable {
    let shape: Shape
    let hash: Int

    init(_ tensor: TensorData) {
      var hasher = Hasher()
      tensor.withFloats { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
      shape = tensor.shape
      hash = hasher.finalize()
    }
  }

  init(_ tensors: [ComparedTensor]) {
    byName = Dictionary(tensors.map { ($0.name, $0.tensor) }) { first, _ in first }
    var byValues: [Key: [String]] = [:]
    for tensor in tensors { byValues[Key(tensor.tensor), default: []].append(tensor.name) }
    self.byValues = byValues
  }

  subscript(name: String) -> TensorData? { byName[name] }

  /// The name of a tensor with the same values; `nil` where there is none, or the values are all the same
  /// and so say nothing.
  func place(of tensor: TensorData) -> String? {
    guard !tensor.isConstant else { return nil }
    return byValues[Key(tensor)]?.first { byName[$0]?.hasSameBits(as: tensor) == true }
  }
}

extension TensorData {
  fileprivate var isConstant: Bool {
    withFloats { values in values.allSatisfy { $0 == values.first } }
  }
}
