public import Tensors

/// The tensors of a PyTorch checkpoint, in the zip format or the stream format of old.
///
/// Of a nested checkpoint the dictionary that holds the model's tensors is taken; what else it holds (an optimizer's
/// state, the epoch) is counted in ``metadata`` and not handed out.
public struct TorchSource: WeightSource {
  /// `torch-zip` or `torch-legacy`.
  public let container: String

  /// The path by which the file was opened.
  public let path: String

  /// The tensors in the order of the state dict.
  public let tensors: [TensorInfo]

  /// `torch.dictionary`: which dictionary of a nested checkpoint was taken; `ignored.entries`: how many entries of it
  /// are no tensors.
  public let metadata: [String: String]

  private let views: [String: TorchTensor]
  private let data: any TorchStorageReader

  /// Takes the state dict of an unpickled checkpoint.
  init(_ value: PickleValue, data: any TorchStorageReader, container: String, path: String) throws {
    self.container = container
    self.path = path
    self.data = data
    let chosen = try StateDictionary(value, path: path)
    var views: [String: TorchTensor] = [:]
    var tensors: [TensorInfo] = []
    for (name, tensor) in chosen.tensors {
      guard views.updateValue(tensor, forKey: name) == nil else {
        throw InputError(.badData, path: path, "has two tensors of one name", place: name)
      }
      try data.check(tensor.storage, name: name)
      tensors.append(TensorInfo(name: name, dtype: tensor.dtype, shape: tensor.shape))
    }
    self.views = views
    self.tensors = tensors
    metadata = chosen.metadata
  }

  /// Reads one tensor: mapped where it lies contiguous in the file, gathered by its strides where it does not.
  public func tensor(named name: String) throws -> TensorData {
    guard let view = views[name] else {
      throw InputError(.badData, path: path, "has no tensor of this name", place: name)
    }
    let storage = try data.read(view.storage)
    let (file, start) = (storage.file, storage.offset)
    let width = view.dtype.byteWidth
    if view.isContiguous,
      let mapped = TensorData(
        dtype: view.dtype, shape: view.shape, file: file, offset: start + view.offset * width)
    {
      return mapped
    }
    return file.withUnsafeBytes { view.gathered(from: $0, start: start) }
  }
}

extension TorchTensor {
  /// The elements in row-major order; the view was checked against its storage when it was made.
  fileprivate func gathered(from file: UnsafeRawBufferPointer, start: Int) -> TensorData {
    let width = dtype.byteWidth
    var bytes: [UInt8] = []
    bytes.reserveCapacity(shape.elementCount * width)
    var index = [Int](repeating: 0, count: shape.rank)
    for _ in 0..<shape.elementCount {
      let element = zip(index, strides).reduce(offset) { $0 + $1.0 * $1.1 }
      bytes.append(contentsOf: file[start + element * width..<start + (element + 1) * width])
      var axis = shape.rank - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
        axis -= 1
      }
    }
    return TensorData(dtype: dtype, shape: shape, bytes: bytes)
  }
}

/// The dictionary of a checkpoint that holds the model.
private struct StateDictionary {
  private(set) var tensors: [(name: String, tensor: TorchTensor)] = []
  private(set) var metadata: [String: String] = [:]

  /// The names under which people keep a model, the likeliest first.
  private static let usualNames = [
    "state_dict", "model_state_dict", "model", "net", "network", "module", "params", "weights",
    "ema_state_dict", "state_dict_ema", "model_ema", "ema",
  ]

  private static let maximumLevels = 3

  init(_ root: PickleValue, path: String) throws {
    guard let root = root.dictionary else {
      throw InputError(
        .badData, path: path, "holds no dictionary of tensors", hint: "save model.state_dict()")
    }
    let candidates = Self.candidates(in: root, name: "", level: 0)
    guard let chosen = Self.choose(candidates) else {
      let names = candidates.map(\.name).joined(separator: ", ")
      throw InputError(
        .badData, path: path,
        candidates.isEmpty ? "holds no tensors" : "holds several dictionaries of tensors",
        place: candidates.isEmpty ? nil : names, hint: "save model.state_dict() alone")
    }
    var ignored = 0
    for (key, value) in chosen.dictionary.pairs {
      guard case .tensor(let tensor) = value, let name = key.text else {
        ignored += 1
        continue
      }
      tensors.append((name, tensor))
    }
    if !chosen.name.isEmpty { metadata["torch.dictionary"] = chosen.name }
    if ignored > 0 { metadata["ignored.entries"] = String(ignored) }
  }

  private typealias Candidate = (name: String, dictionary: PickleContainer)

  /// The dictionaries that hold tensors themselves, outermost first.
  private static func candidates(
    in dictionary: PickleContainer, name: String, level: Int
  ) -> [Candidate] {
    let pairs = dictionary.pairs
    let holdsTensors = pairs.contains { pair in
      if case .tensor = pair.value { return pair.key.text != nil }
      return false
    }
    if holdsTensors { return [(name, dictionary)] }
    guard level < maximumLevels else { return [] }
    return pairs.flatMap { key, value -> [Candidate] in
      guard let key = key.text, let inner = value.dictionary else { return [] }
      return candidates(in: inner, name: name.isEmpty ? key : "\(name).\(key)", level: level + 1)
    }
  }

  private static func choose(_ candidates: [Candidate]) -> Candidate? {
    if candidates.count == 1 { return candidates[0] }
    for name in usualNames {
      if let match = candidates.first(where: { $0.name == name }) { return match }
    }
    return nil
  }
}
