public import Files

/// A container of named tensors: what every reader of this package looks like from outside.
///
/// A source is checked as a whole when it is opened: the tensors that it lists exist, have
/// representable sizes and distinct names. The data is read later, tensor by tensor.
public protocol WeightSource: Sendable {
  /// The kind of container, such as `keras-h5`, `npz` or `safetensors`.
  var container: String { get }

  /// The path by which the source was opened, for messages.
  var path: String { get }

  /// Every tensor, in the container's own order.
  var tensors: [TensorInfo] { get }

  /// What the container says of itself, such as `keras_version`.
  var metadata: [String: String] { get }

  /// The files that were opened, in the order in which they were; empty for a source that is in no file.
  var files: [SourceFile] { get }

  /// Reads one tensor.
  ///
  /// The data is little-endian, in row-major order, and has the type and shape that ``tensors``
  /// lists.
  ///
  /// - Throws: `InputError` where the data cannot be read or contradicts its description.
  func tensor(named name: String) throws(InputError) -> TensorData
}

extension WeightSource {
  /// A source that is in no file.
  public var files: [SourceFile] { [] }

  /// Makes sure that the files are still what they were when they were opened.
  ///
  /// What was computed from a source counts only after this.
  ///
  /// - Throws: `InputError` of kind `badData` for a file that has changed.
  public func checkUnchanged() throws(InputError) {
    for source in files { try source.file.checkUnchanged() }
  }
}

extension InputError {
  /// A source was asked for a tensor that it does not list.
  package static func noTensor(_ name: String, in path: String) -> InputError {
    InputError(
      .badData, path: path, "has no tensor of this name", place: name, reason: .noSuchTensor)
  }
}

/// A file that a source was opened from.
public struct SourceFile: Sendable {
  package let file: MappedFile

  package init(_ file: MappedFile) {
    self.file = file
  }

  /// The path by which it was opened.
  public var path: String { file.path }
}
