import Safetensors
import Tensors

/// How large what a file describes may be; `docs/rnw-format.md` says the same to every reader.
///
/// Planes of zeros take no bytes, so that a small file can claim any number of elements.
enum SizeLimits {
  /// The most bytes of the elements of one tensor.
  private static let tensorBytes = 1 << 32

  /// A tensor has less elements than this, where a dimension of 0 counts as 1.
  private static let elements = 1 << 59

  /// So many bytes all tensors together may have in a file of any size: those of a ResNet152.
  private static let totalBytes = 1 << 28

  /// And so many more for every byte of the file: no plane but one of zeros shrinks by more, as the
  /// shortest code is one bit of 32.
  private static let bytesPerFileByte = 32

  /// The shape of dimensions that a file states, or `nil` where no tensor has it.
  static func shape(_ dimensions: [Int]) -> Shape? {
    guard let shape = Shape(validating: dimensions),
      let largest = Shape(validating: dimensions.map { max($0, 1) }),
      largest.elementCount < elements
    else { return nil }
    return shape
  }

  /// Whether one tensor is not too large.
  static func allows(_ tensor: TensorInfo) -> Bool {
    tensor.byteCount.map { $0 <= tensorBytes } ?? false
  }

  /// Whether all tensors of a file together are not too large.
  static func allows(_ tensors: some Sequence<TensorInfo>, fileBytes: Int) -> Bool {
    let (scaled, overflow) = fileBytes.multipliedReportingOverflow(by: bytesPerFileByte)
    var rest = overflow ? Int.max - totalBytes : scaled
    rest = rest.addingReportingOverflow(totalBytes).overflow ? Int.max : rest + totalBytes
    for tensor in tensors {
      guard let bytes = tensor.byteCount, bytes <= rest else { return false }
      rest -= bytes
    }
    return true
  }
}
