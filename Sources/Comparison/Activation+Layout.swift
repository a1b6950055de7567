package import Families
package import Inference
package import Tensors

extension Activation {
  /// The values in a family's layout.
  package func tensor(in layout: LayerNames.Layout) -> TensorData {
    guard layout == .nchw, shape.rank == 4 else {
      return TensorData(shape: shape, values: values)
    }
    let (images, channels) = (shape[0], shape[3])
    let pixels = shape[1] * shape[2]
    var result = [Float](repeating: 0, count: values.count)
    for image in 0..<images {
      let start = image * channels * pixels
      for channel in 0..<channels {
        for pixel in 0..<pixels {
          result[start + channel * pixels + pixel] = values[start + pixel * channels + channel]
        }
      }
    }
    return TensorData(shape: [images, channels, shape[1], shape[2]], values: result)
  }
}

extension Activation {
  /// The value of an image batch that is given as [N, C, H, W].
  package init(channelsFirst shape: Shape, values: [Float]) {
    precondition(shape.rank == 4)
    let (channels, pixels) = (shape[1], shape[2] * shape[3])
    let transposed = [Float](unsafeUninitializedCapacity: values.count) { target, count in
      values.withUnsafeBufferPointer { source in
        for image in 0..<shape[0] {
          let start = image * channels * pixels
          transpose(
            source.baseAddress.map { $0 + start }, to: target.baseAddress.map { $0 + start },
            rows: channels, columns: pixels)
        }
      }
      count = values.count
    }
    self.init(shape: [shape[0], shape[2], shape[3], channels], values: transposed)
  }
}

/// Copies a matrix with its rows as columns, in tiles that stay within the cache.
private func transpose(
  _ source: UnsafePointer<Float>?, to target: UnsafeMutablePointer<Float>?, rows: Int, columns: Int
) {
  guard let source, let target else { return }
  let tile = 16
  for firstRow in stride(from: 0, to: rows, by: tile) {
    for firstColumn in stride(from: 0, to: columns, by: tile) {
      for column in firstColumn..<min(firstColumn + tile, columns) {
        for row in firstRow..<min(firstRow + tile, rows) {
          target[column * rows + row] = source[row * columns + column]
        }
      }
    }
  }
}
