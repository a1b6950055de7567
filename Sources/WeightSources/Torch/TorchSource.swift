package import Files
package import Tensors

/// The tensors of a PyTorch checkpoint, in the zip format or the stream format of old.
///
/// Of a nested checkpoint the dictionary that holds the model's tensors is taken; what else it holds (an optimizer's
/// state, the epoch) is counted in ``metadata`` and not handed out. Where several could be the model, ``metadata`` says
/// which one was taken, why, and which others there are.
package struct TorchSource: WeightSource {
  /// `torch-zip` or `torch-legacy`.
  package let container: String

  /// The path by which the file was opened.
  package let path: String

  /// The tensors in the order of the state dict.
  package let tensors: [TensorInfo]

  /// `torch.dictionary`: which dictionary of a nested checkpoint was taken; `torch.dictionaries`: all that could have
  /// been; `torch.dictionary.assumed`: why it was this one, where nobody said so; `ignored.entries`: how many entries of
  /// it are no weights; `torch.sparse.assumed`: which of these are sparse tensors; `ignored.objects`: the classes of objects that were passed over.
  package let metadata: [String: String]

  /// The file itself.
  package var files: [SourceFile] { [SourceFile(data.file)] }

  private let views: [String: TorchTensor]
  private let data: any TorchStorageReader

  /// Takes the state dict of an unpickled checkpoint.
  ///
  /// - Parameters:
  ///   - dictionary: the name of the dictionary that is wanted; `nil` to find the model's.
  ///   - passedOver: the names of what has no meaning here.
  init(
    _ value: PickleValue, dictionary: String?, passedOver: [String],
    data: any TorchStorageReader, container: String
  ) throws {
    self.container = container
    path = data.file.path
    self.data = data
    let chosen = try TorchDictionary(value, named: dictionary, path: path)
    var views: [String: TorchTensor] = [:]
    var tensors: [TensorInfo] = []
    var total = 0
    // Views may share their elements, as tied weights do; a small file with a thousand views of all of it is something else.
    let limit = data.file.count * Self.maximumSharing
    for (name, tensor) in chosen.tensors {
      guard views.updateValue(tensor, forKey: name) == nil else {
        throw InputError(.badData, path: path, "has two tensors of one name", place: name)
      }
      try data.check(tensor.storage, name: name)
      let info = TensorInfo(name: name, dtype: tensor.dtype, shape: tensor.shape)
      let (sum, overflow) = total.addingReportingOverflow(info.byteCount ?? .max)
      guard !overflow, sum <= limit else {
        throw InputError(
          .badData, path: path, "declares many times more data than it holds", place: name)
      }
      total = sum
      tensors.append(info)
    }
    self.views = views
    self.tensors = tensors
    var metadata = chosen.metadata
    if !passedOver.isEmpty {
      let more = passedOver.count > 8 ? ", and \(passedOver.count - 8) more" : ""
      metadata["ignored.objects"] = passedOver.prefix(8).joined(separator: ", ") + more
    }
    self.metadata = metadata
  }

  /// How many times the size of its file all tensors together may have.
  private static let maximumSharing = 16

  /// Reads one tensor: mapped where it lies contiguous in the file, gathered by its strides where it does not.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    guard let view = views[name] else {
      throw .noTensor(name, in: path)
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
    // The view was checked against its storage when it was made.
    let elements = StridedElements(
      dtype: view.dtype, shape: view.shape, strides: view.strides, offset: view.offset)
    return file.withUnsafeBytes { elements.gathered(from: $0, start: start) }
  }
}

extension TorchSource: TensorPlaces {
  package func place(ofTensor name: String) -> (file: MappedFile, range: Range<Int>)? {
    guard let storage = views[name]?.storage, let start = data.start(of: storage),
      let bytes = storage.byteCount
    else { return nil }
    return (data.file, start..<start + bytes)
  }
}
