public import Files
public import Tensors

/// Opens weight files of every kind.
public enum WeightFile {
  /// Opens a file; its content decides what it is, never its name.
  ///
  /// ```swift
  /// let source = try WeightFile.open("weights.safetensors")
  /// for tensor in source.tensors { print(tensor.name, tensor.dtype.name, tensor.shape) }
  /// let kernel = try source.tensor(named: "conv1.weight").floats()
  /// ```
  ///
  /// HDF5 (`.h5` and `.keras`) is read by the program `rnw-hdf5`, which is looked for beside the running one; all other
  /// containers need nothing but this library.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - dictionary: of a PyTorch checkpoint with several dictionaries of tensors the one that is wanted, such as
  ///     `model_ema` or `ema.state_dict`; where `nil`, the one that is most likely the model, which
  ///     the `metadata` of the result names.
  /// - Throws: `InputError` where the file is missing, of no known kind, or breaks a rule of its kind.
  public static func open(
    _ path: String, dictionary: String? = nil
  ) throws(InputError) -> any WeightSource {
    try InputError.only(of: path) {
      try open(path, dictionary: dictionary, isOptional: false, copying: false)
    }
  }

  /// Opens a file, mapped or as a copy in memory.
  ///
  /// - Parameters:
  ///   - isOptional: whether a file without dictionaries may be asked for one.
  ///   - begin: is given a file that is the only one, before it is known what it is.
  package static func open(
    _ path: String, dictionary: String?, isOptional: Bool, copying: Bool,
    begin: (MappedFile) -> Void = { _ in }
  ) throws -> any WeightSource {
    if let index = try TensorFlowPlace.index(of: path) {
      let file = try MappedFile(path: index, copying: copying)
      // A file of this name may be of any kind.
      if index != path || SortedTable.isTable(file) {
        return try TensorFlowBundle(index: file, path: path, copying: copying)
      }
    }
    if let place = ModelFolder.place(of: path) {
      let folder = try ModelFolder(place, path: path, copying: copying) { file in
        try Self.source(of: file, dictionary: dictionary)
      }
      try require(dictionary, of: folder, isOptional: isOptional)
      return folder
    }
    if let places = StateFolder.places(of: path) {
      let folder = try StateFolder(places, path: path, copying: copying) { file in
        try Self.source(of: file, dictionary: dictionary)
      }
      try require(dictionary, of: folder, isOptional: isOptional)
      return folder
    }
    if FileStamp.isFolder(path) {
      throw OtherContainer.refusal(ofFolder: path).because(.unknownContainer)
    }
    let file = try MappedFile(path: path, copying: copying)
    begin(file)
    let source = try source(of: file, dictionary: dictionary)
    try require(dictionary, of: source, isOptional: isOptional)
    return source
  }

  /// Makes sure that a dictionary is asked for only where there may be some.
  private static func require(
    _ dictionary: String?, of source: any WeightSource, isOptional: Bool
  ) throws {
    guard dictionary == nil || isOptional || source is TorchSource else {
      throw InputError(
        .badData, path: source.path, "has no dictionaries to choose from",
        place: "it is \(source.container); --dictionary is for PyTorch checkpoints")
    }
  }

  private static func source(
    of file: MappedFile, dictionary: String?
  ) throws -> any WeightSource {
    guard file.count > 0 else {
      throw InputError(
        .badData, path: file.path, "is empty", place: "a weight file was expected",
        reason: .unknownContainer)
    }
    let content = try FileContent(file)
    guard let container = try Container.of(content) else {
      throw refusal(of: content).because(.unknownContainer)
    }
    return try container.open(content, dictionary: dictionary)
  }

  /// What a file is that holds no weights.
  private static func refusal(of content: FileContent) -> InputError {
    if let archive = content.archive { return OtherContainer.refusal(of: archive) }
    let other = OtherFile(content.file)
    return InputError(
      .badData, path: content.file.path, other?.problem ?? "is of no known kind", place: expected,
      hint: other?.hint)
  }

  private static let expected: String = {
    var names: [String] = []
    for name in Container.all.map(\.name) where !names.contains(name) { names.append(name) }
    return "\(names.dropLast().joined(separator: ", ")) or \(names.last ?? "") were expected"
  }()

  /// Opens a file of NumPy's; `nil` where it is none.
  ///
  /// - Throws: `InputError` where it breaks a rule of its kind.
  package static func openArrays(_ file: MappedFile) throws -> (any WeightSource)? {
    let content = try FileContent(file)
    return try Container.of(content, among: [.npz, .npy])?.open(content)
  }
}

extension WeightFile {
  /// The endings that files of weights have, without the first dot, the longer of two that end alike first.
  package static let endings = Container.all.flatMap(\.endings)

  /// A file's name without its ending, where that is one of weight files; other dots are part of the name.
  package static func stem(of name: String) -> String {
    let small = name.lowercased()
    for ending in endings where small.hasSuffix(".\(ending)") && small.count > ending.count + 1 {
      return String(name.dropLast(ending.count + 1))
    }
    return name
  }
}
