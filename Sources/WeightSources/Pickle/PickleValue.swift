import Tensors

/// What a pickle of weights may be made of; nothing of it was ever executed.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  /// A whole number of more than 64 bits, little-endian; only the mark of an old file has one.
  case long([UInt8])
  case float(Double)
  case text(String)
  /// A text that is too long for a name, by its place in the pickle.
  case longText(Range<Int>)
  case bytes(PickledBytes)
  case tuple(PickleContainer)
  case list(PickleContainer)
  case dictionary(PickleContainer)
  /// A name, such as `torch.FloatStorage`: a text like any other, until a call gives it a meaning.
  case global(String)
  /// An object of a class that is not known here: it was never made, and what belongs to it was passed over.
  case foreign(ForeignObject)
  /// The elements of some tensors.
  case storage(TorchStorage)
  case tensor(TorchTensor)
  /// An array of NumPy's, and the type of one.
  case array(PickledArray)
  case type(PickledType)
  /// A value of an allowed type that weights do not need, such as a device.
  case ignored

  /// The container, where the value is one.
  var container: PickleContainer? {
    switch self {
    case .tuple(let container), .list(let container), .dictionary(let container): container
    default: nil
    }
  }

  var integer: Int? {
    if case .integer(let value) = self { return value }
    return nil
  }

  var text: String? {
    if case .text(let value) = self { return value }
    return nil
  }

  var dictionary: PickleContainer? {
    if case .dictionary(let container) = self { return container }
    return nil
  }

  /// The whole numbers of a tuple or list of such.
  var integers: [Int]? {
    guard let items = container?.items else { return nil }
    let values = items.compactMap(\.integer)
    return values.count == items.count ? values : nil
  }
}

/// What is left of an object that is passed over.
struct ForeignObject {
  /// Its class, or the function that would have made it.
  let name: String
  /// Whether its state is that of a module, parameters and modules within it.
  var isModule = false
  /// Whether it is an array of NumPy's.
  var isArray: Bool {
    [
      "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
      "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer",
    ].contains(name)
  }
  /// Whether it is a tensor of a form that is not read, or of elements that are none of a known type.
  var isTensor: Bool {
    name.hasPrefix("torch._utils._rebuild_") || name == "torch._tensor._rebuild_from_type_v2"
      || name.hasPrefix("torch.") && name.hasSuffix("Storage")
  }
  /// Whether it is a tensor of which only some elements are stored: no layer here has one.
  var isSparseTensor: Bool { name.hasPrefix("torch._utils._rebuild_sparse") }
}

/// A tuple, list or dictionary while it is being filled.
///
/// Once it is part of another one it may not change any more: so nothing contains itself, and its depth is known.
final class PickleContainer {
  /// The items of a tuple or list; keys and values in turn for a dictionary.
  private(set) var items: [PickleValue] = []

  /// How many containers are within one another, this one included.
  private(set) var depth = 1

  private var isSealed = false

  /// Deeper than this no checkpoint nests, and letting go of deeper ones could exhaust the stack.
  static let maximumDepth = 64

  init(_ items: [PickleValue] = []) {
    self.items = items
  }

  /// Adds a value; `false` where that would nest too deep or change what is already part of another.
  func append(_ value: PickleValue) -> Bool {
    guard !isSealed else { return false }
    if let inner = value.container {
      inner.isSealed = true
      depth = max(depth, inner.depth + 1)
      guard depth <= Self.maximumDepth else { return false }
    }
    items.append(value)
    return true
  }

  /// The pairs of a dictionary.
  var pairs: [(key: PickleValue, value: PickleValue)] {
    stride(from: 0, to: items.count - 1, by: 2).map { (items[$0], items[$0 + 1]) }
  }
}

extension PickleContainer {
  /// The first entry of a dictionary that stands among the tensors of a layer and is none: a list, or an object.
  ///
  /// Without it the layer would be another one, such as one without a bias; `None` is PyTorch's word for that.
  var strangerAmongTensors: String? {
    let layers = Set(pairs.compactMap { $0.value.isTensor ? $0.key.text?.layer : nil })
    return pairs.lazy.compactMap { key, value in
      guard let name = key.text else { return nil }
      if layers.contains(name[...]) { return value.dictionary == nil ? nil : name }
      guard let layer = name.layer, layers.contains(layer), !name.isCounter else { return nil }
      return value.isStranger || name.isParameter && value.isPlain ? name : nil
    }.first
  }
}

extension PickleValue {
  fileprivate var isTensor: Bool {
    switch self {
    case .tensor: true
    case .array(let array): array.content != nil
    default: false
    }
  }

  /// Whether it is a number, a text or a dictionary.
  fileprivate var isPlain: Bool {
    switch self {
    case .bool, .integer, .long, .float, .text, .longText, .bytes, .dictionary: true
    default: false
    }
  }

  fileprivate var isStranger: Bool {
    switch self {
    case .list, .tuple: true
    case .foreign(let object): !object.isSparseTensor
    case .array(let array): array.content == nil
    default: false
    }
  }
}

extension String {
  /// Whether it ends as the tensors of layers do.
  fileprivate var isParameter: Bool {
    ["weight", "bias", "running_mean", "running_var"].contains { hasSuffix(".\($0)") }
  }

  /// Whether it ends as what evaluation does not read.
  fileprivate var isCounter: Bool {
    hasSuffix("num_batches_tracked") || hasSuffix("_extra_state")
  }

  /// What stands before the last dot or stroke.
  fileprivate var layer: Substring? { lastIndex { $0 == "." || $0 == "/" }.map { self[..<$0] } }
}

/// The elements of some tensors, in a member of the archive or a part of an old file.
struct TorchStorage: Hashable, Sendable {
  /// The name of the member.
  let key: String
  /// The type of the elements; `nil` for bytes that get their type from each tensor.
  let dtype: DType?
  /// The number of elements, or of bytes where there is no type.
  let count: Int
}

/// A tensor as a view of a storage.
struct TorchTensor: Sendable {
  let storage: TorchStorage
  let dtype: DType
  let offset: Int
  let shape: Shape
  let strides: [Int]

  /// Whether the elements lie one after the other in row-major order.
  var isContiguous: Bool {
    var expected = 1
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) where shape[axis] != 1 {
      guard strides[axis] == expected else { return shape.elementCount == 0 }
      expected *= shape[axis]
    }
    return true
  }

  /// Checks that every element lies within the storage, and an empty tensor at its end at most; `nil` where one does
  /// not.
  init?(storage: TorchStorage, dtype: DType, offset: Int, sizes: [Int], strides: [Int]) {
    guard let shape = Shape(validating: sizes), sizes.count == strides.count, offset >= 0,
      strides.allSatisfy({ $0 >= 0 })
    else { return nil }
    let count = storage.dtype == nil ? storage.count / dtype.byteWidth : storage.count
    // A view with stride 0 repeats elements: a tiny file could claim any size.
    guard shape.elementCount <= max(count, 1) else { return nil }
    var last = offset
    for (size, stride) in zip(sizes, strides) where shape.elementCount > 0 {
      let (span, tooLarge) = (size - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflow) = last.addingReportingOverflow(span)
      guard !tooLarge, !overflow else { return nil }
      last = sum
    }
    guard shape.elementCount == 0 ? offset <= count : last < count else { return nil }
    self.storage = storage
    self.dtype = dtype
    // Nothing is read of an empty tensor.
    self.offset = shape.elementCount == 0 ? 0 : offset
    self.shape = shape
    self.strides = strides
  }
}
