import Tensors

/// The names that a state dict uses, and what they mean here.
///
/// A list of what is allowed, not of what is known to do harm: such lists are never complete.
enum TorchGlobals {
  /// Whether a name may occur.
  static func isAllowed(_ name: String) -> Bool {
    calls.contains(name) || storageTypes[name] != nil || name == untyped || dtypes[name] != nil
      || name == "torch.serialization._get_layout" || name == "torch.strided"
  }

  /// The storage of a type, such as `torch.FloatStorage`; `nil` for an unknown one.
  static func storage(ofType type: String, key: String, count: Int) -> TorchStorage? {
    if type == untyped { return TorchStorage(key: key, dtype: nil, count: count) }
    return storageTypes[type].map { TorchStorage(key: key, dtype: $0, count: count) }
  }

  /// What an allowed call gives; `nil` where its arguments are not those of a state dict.
  static func result(of name: String, _ arguments: [PickleValue]) -> PickleValue? {
    switch name {
    case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2":
      return tensor(arguments, dtype: nil)
    case "torch._utils._rebuild_tensor_v3":
      guard arguments.count >= 7, case .global(let type) = arguments[6] else { return nil }
      return dtypes[type].flatMap { tensor(arguments, dtype: $0) }
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      guard case .tensor(let tensor) = arguments.first else { return nil }
      return .tensor(tensor)
    case "collections.OrderedDict":
      return orderedDictionary(arguments)
    case "torch.Size":
      return arguments.first.flatMap { $0.container == nil ? nil : $0 }
    case "torch.device":
      return .ignored
    default:
      return nil
    }
  }

  private static let calls: Set<String> = [
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state", "collections.OrderedDict", "torch.Size",
    "torch.device",
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

  /// A tensor from its storage, offset, sizes and strides.
  private static func tensor(_ arguments: [PickleValue], dtype: DType?) -> PickleValue? {
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
