package import Tensors

extension RNWCodec {
  /// The number of bytes that a tensor takes in a file, its scales included.
  package func byteCount(of tensor: TensorData) throws -> Int {
    let isPacked =
      self == .planes && Planes.canEncode(tensor.dtype) && tensor.shape.elementCount > 0
    let scales = 4 * (tensor.channelScales?.count ?? 0)
    return scales + (isPacked ? try Planes.encode(tensor, threads: 1).byteCount : tensor.byteCount)
  }
}
