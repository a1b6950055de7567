import Tensors

/// The names that a state dict uses, and what they mean here.
///
/// A list of what is allowed, not of what is known to do harm: such lists are never complete. Every other name means
/// nothing: what it would make is passed over.
enum TorchGlobals {
  /// Whether a name means something.
  static func isAllowed(_ name: String) -> Bool {
    calls.contains(name) || storageTypes[name] != nil || name == untyped || dtypes[name] != nil
      || name == "torch.serialization._get_layout" || name == "torch.strided"
  }

  /// Whether a name is one by which a pickle takes over the program that loads it.
  ///
  /// Nothing here is ever called, so this protects whoever loads the file elsewhere, and need not be complete.
  static func isHarmful(_ name: String) -> Bool {
    guard let dot = name.firstIndex(of: ".") else { return false }
    let module = name[..<dot]
    if module == "builtins" || module == "__builtin__" {
      return harmfulFunctions.contains(String(name[name.index(after: dot)...]))
    }
    return harmfulModules.contains(String(module))
  }

  private static let harmfulModules: Set<String> = [
    "os", "posix", "nt", "subprocess", "pty", "sys", "shutil", "socket", "runpy", "importlib",
    "pip",
    "ctypes", "webbrowser", "codeop", "bdb", "timeit", "cProfile", "pickle", "_pickle", "marshal",
    "asyncio", "ensurepip",
  ]

  private static let harmfulFunctions: Set<String> = [
    "eval", "exec", "execfile", "compile", "open", "__import__", "input", "breakpoint", "globals",
    "locals", "vars", "setattr", "delattr", "apply",
  ]

  /// The storage of a type, such as `torch.FloatStorage`; `nil` for an unknown one.
  static func storage(ofType type: String, key: String, count: Int) -> TorchStorage? {
    if type == untyped { return TorchStorage(key: key, dtype: nil, count: count) }
    // Files of old name the type after the device that the tensor was on.
    let plain = type.hasPrefix("torch.cuda.") ? "torch." + type.dropFirst(11) : type
    return storageTypes[plain].map { TorchStorage(key: key, dtype: $0, count: count) }
  }

  /// What an allowed call gives; `nil` where its arguments are not those of a state dict.
  static func result(of name: String, _ arguments: [PickleValue]) -> PickleValue? {
    switch name {
    case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2":
      guard !isChanged(arguments.dropFirst(6).first) else { return nil }
      return tensor(arguments, dtype: nil)
    case "torch._utils._rebuild_tensor_v3":
      guard arguments.count >= 7, case .global(let type) = arguments[6],
        !isChanged(arguments.dropFirst(7).first)
      else { return nil }
      return dtypes[type].flatMap { tensor(arguments, dtype: $0) }
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      guard let first = arguments.first else { return nil }
      switch first {
      case .tensor, .foreign: return first
      default: return nil
      }
    case "torch._tensor._rebuild_from_type_v2":
      guard arguments.count >= 3, case .global(let function) = arguments[0], function != name,
        calls.contains(function), let inner = arguments[2].container?.items
      else { return nil }
      return result(of: function, inner)
    case "collections.OrderedDict":
      return orderedDictionary(arguments)
    case "collections.defaultdict":
      return .dictionary(PickleContainer())
    case "torch.Size":
      return arguments.first.flatMap { $0.container == nil ? nil : $0 }
    case "torch.device", "torch.serialization._get_layout":
      return .ignored
    default:
      return nil
    }
  }

  /// Why a call gives nothing, in words that follow "a pickle that"; `nil` where its arguments are of no use at all.
  static func reason(against name: String, _ arguments: [PickleValue]) -> String? {
    if name == "torch._tensor._rebuild_from_type_v2", arguments.count >= 3,
      case .global(let function) = arguments[0], function != name,
      let inner = arguments[2].container?.items
    {
      return reason(against: function, inner)
    }
    guard name.hasPrefix("torch._utils._rebuild_tensor"), arguments.count >= 4,
      case .storage(let storage) = arguments[0], let sizes = arguments[2].integers,
      let strides = arguments[3].integers
    else { return nil }
    let hasType = name.hasSuffix("_v3")
    if hasType, arguments.count >= 7, case .global(let type) = arguments[6], dtypes[type] == nil {
      return "holds a tensor of the type \(type.prefix(60)), which is not read"
    }
    if isChanged(arguments.dropFirst(hasType ? 7 : 6).first) {
      return "holds a tensor of other values than are stored: their negative or their conjugate"
    }
    if zip(sizes, strides).contains(where: { $0 > 1 && $1 == 0 }) {
      return "holds an expanded tensor, which repeats its values (.contiguous() writes them out)"
    }
    return Shape(validating: sizes).map {
      "holds a tensor of \($0) that reaches beyond its storage of \(storage.count)"
    }
  }

  private static let calls: Set<String> = [
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state", "torch._tensor._rebuild_from_type_v2",
    "collections.OrderedDict", "collections.defaultdict", "torch.Size", "torch.device",
  ]

  private static let untyped = "torch.storage.UntypedStorage"

  private static let storageTypes: [String: DType] = [
    "torch.DoubleStorage": .float64, "torch.FloatStorage": .float32, "torch.HalfStorage": .float16,
    "torch.BFloat16Storage": .bfloat16, "torch.LongStorage": .int64, "torch.IntStorage": .int32,
    "torch.ShortStorage": .int16, "torch.CharStorage": .int8, "torch.ByteStorage": .uint8,
    "torch.BoolStorage": .bool,
  ]

  private static let dtypes: [String: DType] = [
    "torch.float64": .float64, "torch.float32": .float32, "torch.float16": .float16,
    "torch.bfloat16": .bfloat16, "torch.int64": .int64, "torch.int32": .int32,
    "torch.int16": .int16, "torch.int8": .int8, "torch.uint8": .uint8, "torch.uint16": .uint16,
    "torch.uint32": .uint32, "torch.uint64": .uint64, "torch.bool": .bool,
  ]

  /// Whether metadata say that a tensor's values are not those stored, but their negative or conjugate.
  private static func isChanged(_ metadata: PickleValue?) -> Bool {
    metadata?.container?.items.isEmpty == false
  }

  /// A tensor from its storage, offset, sizes and strides.
  private static func tensor(_ arguments: [PickleValue], dtype: DType?) -> PickleValue? {
    if case .foreign(let object) = arguments.first { return .foreign(object) }
    guard arguments.count >= 4, case .storage(let storage) = arguments[0],
      let dtype = dtype ?? storage.dtype, let offset = arguments[1].integer,
      let sizes = arguments[2].integers, let strides = arguments[3].integers
    else { return nil }
    return TorchTensor(
      storage: storage, dtype: dtype, offset: offset, sizes: sizes, strides: strides
    ).map { .tensor($0) }
  }

  /// No arguments, or a list of pairs.
  private static func orderedDictionary(_ arguments: [PickleValue]) -> PickleValue? {
    let container = PickleContainer()
    guard let pairs = arguments.first else { return .dictionary(container) }
    for pair in pairs.container?.items ?? [] {
      guard let items = pair.container?.items, items.count == 2, container.append(items[0]),
        container.append(items[1])
      else { return nil }
    }
    return .dictionary(container)
  }
}
