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

  /// Reads one tensor.
  ///
  /// The data is little-endian, in row-major order, and has the type and shape that ``tensors``
  /// lists.
  ///
  /// - Throws: ``InputError`` where the data cannot be read or contradicts its description.
  func tensor(named name: String) throws -> TensorData
}
