import Tensors

/// The names that mean something in a kind of pickle, and what a call of one gives.
///
/// A list of what is allowed; every other name means nothing: what it would make is passed over.
struct PickleNames: Sendable {
  /// Whether a name means something.
  let isAllowed: @Sendable (String) -> Bool

  /// What an allowed call gives; `nil` where its arguments are not those that it has.
  let result: @Sendable (_ name: String, _ arguments: [PickleValue]) -> PickleValue?

  /// Why an allowed call gives nothing, where that can be said.
  var reason: @Sendable (_ name: String, _ arguments: [PickleValue]) -> String? = { _, _ in nil }

  /// Whether a long text may be the bytes of an array, and stays where it is.
  var keepsLongTexts = false

  /// The names in a checkpoint of PyTorch's.
  static let torch = PickleNames(
    isAllowed: TorchGlobals.isAllowed, result: TorchGlobals.result, reason: TorchGlobals.reason)

  /// The names in a pickle of NumPy's arrays.
  static let arrays = PickleNames(
    isAllowed: ArrayGlobals.isAllowed, result: ArrayGlobals.result, keepsLongTexts: true)
}

/// The names by which Python pickles NumPy's arrays, and the mappings and arrays of JAX's libraries that are made of such.
///
/// NumPy: `__reduce__` of `ndarray`, `dtype` and scalars, 1 and 2. JAX: `_reconstruct_array` of `jax/_src/array.py`. Haiku:
/// `haiku/_src/data_structures.py`, Flax: `core/frozen_dict.py`, each with the plain dictionary as its only argument.
enum ArrayGlobals {
  static func isAllowed(_ name: String) -> Bool { meanings[name] != nil }

  /// Whether a class is a dictionary in the form that is read.
  static func isMapping(_ name: String) -> Bool { meanings[name] == .mapping }

  static func result(of name: String, _ arguments: [PickleValue]) -> PickleValue? {
    switch meanings[name] {
    case .unfilled: unfilled(arguments)
    case .filled: filled(arguments)
    case .scalar: scalar(arguments)
    case .deviceArray: deviceArray(arguments)
    case .type: type(arguments)
    case .encoded: encoded(arguments)
    case .bytes: arguments.isEmpty ? .bytes(.few([])) : nil
    case .mapping: mapping(name, arguments)
    case .orderedDictionary: TorchGlobals.result(of: "collections.OrderedDict", arguments)
    case .defaultDictionary: .dictionary(PickleContainer())
    case .word, nil: nil
    }
  }

  private enum Meaning {
    case unfilled, filled, scalar, deviceArray, type, encoded, bytes
    case mapping, orderedDictionary, defaultDictionary
    /// Means something as an argument alone.
    case word
  }

  private static let meanings: [String: Meaning] = [
    "numpy.core.multiarray._reconstruct": .unfilled,
    "numpy._core.multiarray._reconstruct": .unfilled,
    "numpy.core.numeric._frombuffer": .filled,
    "numpy._core.numeric._frombuffer": .filled,
    "numpy.core.multiarray.scalar": .scalar,
    "numpy._core.multiarray.scalar": .scalar,
    "numpy.dtype": .type,
    "numpy.ndarray": .word,
    "ml_dtypes.bfloat16": .word,
    "jax._src.array._reconstruct_array": .deviceArray,
    "jax._src.device_array.reconstruct_device_array": .deviceArray,
    "_codecs.encode": .encoded,
    "builtins.bytes": .bytes,
    "__builtin__.bytes": .bytes,
    "collections.OrderedDict": .orderedDictionary,
    "collections.defaultdict": .defaultDictionary,
    "haiku._src.data_structures.FlatMapping": .mapping,
    "haiku._src.data_structures.FlatMap": .mapping,
    "haiku._src.data_structures.frozendict": .mapping,
    "flax.core.frozen_dict.FrozenDict": .mapping,
  ]

  /// An array that its state fills afterwards: its class, and two arguments without a meaning.
  private static func unfilled(_ arguments: [PickleValue]) -> PickleValue? {
    guard arguments.count == 3, case .global(let name) = arguments[0] else { return nil }
    return name == "numpy.ndarray"
      ? .array(PickledArray()) : .foreign(ForeignObject(name: name))
  }

  /// Bytes, type, shape and order, as protocol 5 has an array; since NumPy 2.3 of a transposed one the order of its axes.
  private static func filled(_ arguments: [PickleValue]) -> PickleValue? {
    guard (4...5).contains(arguments.count), let sizes = arguments[2].integers,
      let order = order(arguments[3], axes: arguments.count == 5 ? arguments[4] : .none)
    else { return nil }
    switch (arguments[1], arguments[0]) {
    case (.type(let type), .bytes(let bytes)):
      return .array(
        PickledArray(
          .init(type: type, sizes: sizes, order: order, bytes: bytes)))
    case (.foreign(let object), _): return .foreign(object)
    default: return nil
    }
  }

  private static func order(_ letter: PickleValue, axes: PickleValue) -> PickledArray.Order? {
    switch (letter.text, axes) {
    case ("C", .none): .rows
    case ("F", .none): .columns
    case ("K", _): axes.integers.map { .transposed($0) }
    default: nil
    }
  }

  private static func scalar(_ arguments: [PickleValue]) -> PickleValue? {
    guard arguments.count == 2 else { return nil }
    switch (arguments[0], arguments[1]) {
    case (.type(let type), .bytes(let bytes)):
      return .array(
        PickledArray(.init(type: type, sizes: [], order: .rows, bytes: bytes)))
    case (.foreign(let object), _): return .foreign(object)
    default: return nil
    }
  }

  /// An array of JAX's: how NumPy makes the same, and its state.
  private static func deviceArray(_ arguments: [PickleValue]) -> PickleValue? {
    guard arguments.count >= 3, case .global(let name) = arguments[0],
      meanings[name] == .unfilled, let inner = arguments[1].container?.items,
      let made = unfilled(inner)
    else { return nil }
    if case .array(let array) = made, !array.fill(arguments[2]) { return nil }
    return made
  }

  private static func type(_ arguments: [PickleValue]) -> PickleValue? {
    switch arguments.first {
    case .text(let code):
      NPYHeader.dtype(ofCode: code).map { .type(PickledType($0)) }
        ?? .foreign(ForeignObject(name: "numpy.dtype \(code.prefix(20))"))
    case .global("ml_dtypes.bfloat16"): .type(PickledType(.bfloat16))
    case .global(let name): .foreign(ForeignObject(name: name))
    default: nil
    }
  }

  /// Bytes that protocol 2 keeps as a text.
  private static func encoded(_ arguments: [PickleValue]) -> PickleValue? {
    guard arguments.count == 2, arguments[1].text == "latin1" else { return nil }
    switch arguments[0] {
    case .longText(let range): return .bytes(.latin1(range))
    case .text(let text):
      let codes = text.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
      return codes.count == text.unicodeScalars.count ? .bytes(.few(codes)) : nil
    default: return nil
    }
  }

  /// A class that is a dictionary by its only argument; in another form it is passed over.
  private static func mapping(_ name: String, _ arguments: [PickleValue]) -> PickleValue {
    if arguments.count == 1, let container = arguments[0].dictionary {
      return .dictionary(container)
    }
    return .foreign(ForeignObject(name: name))
  }
}
