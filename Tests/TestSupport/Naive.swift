package import Inference
package import ResNetV2
package import Tensors

/// Every operation as its formula, in Double, with no thought of speed.
package enum Naive {
  package static func value(
    of node: Node, _ inputs: [Activation], _ parameters: Parameters, shape: Shape
  ) -> [Double] {
    let x = inputs.map { $0.values.map(Double.init) }
    func tensor(_ role: Parameter.Role) -> [Double] {
      node.parameters.first { $0.role == role }.map { parameters[$0].floats().map(Double.init) }
        ?? []
    }
    switch node.operation {
    case .input: return x[0]
    case .adjust(let scale, let offset, let reversesChannels):
      let channels = shape[3]
      return x[0].indices.map { index in
        let c = index % channels
        let value = x[0][reversesChannels ? index - c + (channels - 1 - c) : index]
        return value * (scale.isEmpty ? 1 : scale[c]) + (offset.isEmpty ? 0 : offset[c])
      }
    case .activation(let activation): return activation.naive(x[0], row: shape[shape.rank - 1])
    case .padChannels(let before, _):
      let channels = inputs[0].shape[3]
      return (0..<shape.elementCount).map { index in
        let (pixel, c) = (index / shape[3], index % shape[3] - before)
        return 0..<channels ~= c ? x[0][pixel * channels + c] : 0
      }
    case .add: return zip(x[0], x[1]).map(+)
    case .convolution(let conv):
      return convolve(
        x[0], inputs[0].shape, conv, tensor(.weight), tensor(.bias), shape)
    case .dense(let inputChannels, let outputChannels, _):
      let (weight, bias) = (tensor(.weight), tensor(.bias))
      return (0..<shape.elementCount).map { index in
        let (image, output) = (index / outputChannels, index % outputChannels)
        return (0..<inputChannels).reduce(bias.isEmpty ? 0 : bias[output]) {
          $0 + x[0][image * inputChannels + $1] * weight[output * inputChannels + $1]
        }
      }
    case .norm(.batch(let epsilon), let channels, let affine):
      let ones = [Double](repeating: 1, count: channels)
      let scale = affine.hasScale ? tensor(.scale) : ones
      let shift = affine.hasShift ? tensor(.shift) : ones.map { _ in 0 }
      let mean = affine.hasStatistics ? tensor(.mean) : ones.map { _ in 0 }
      let variance = affine.hasStatistics ? tensor(.variance) : ones
      return x[0].enumerated().map { index, value in
        let c = index % channels
        return (value - mean[c]) / (variance[c] + epsilon).squareRoot() * scale[c] + shift[c]
      }
    case .norm(.group(let groups, let epsilon), let channels, let affine):
      let ones = [Double](repeating: 1, count: channels)
      return groupNorm(
        x[0], shape, groups, epsilon, channels, affine.hasScale ? tensor(.scale) : ones,
        affine.hasShift ? tensor(.shift) : ones.map { _ in 0 })
    case .maxPool(let pool): return pooled(x[0], inputs[0].shape, pool, shape, isMean: false)
    case .averagePool(let pool): return pooled(x[0], inputs[0].shape, pool, shape, isMean: true)
    case .subsample(let stride):
      return positions(shape).map { n, y, x1, c in
        let (height, width) = (inputs[0].shape[1], inputs[0].shape[2])
        return x[0][((n * height + y * stride) * width + x1 * stride) * shape[3] + c]
      }
    case .globalAverage:
      let pixels = inputs[0].shape[1] * inputs[0].shape[2]
      let channels = shape[1]
      return (0..<shape.elementCount).map { index in
        let (image, c) = (index / channels, index % channels)
        return (0..<pixels).reduce(0) { $0 + x[0][(image * pixels + $1) * channels + c] }
          / Double(pixels)
      }
    case .globalMaximum:
      let (pixels, channels) = (inputs[0].shape[1] * inputs[0].shape[2], shape[1])
      return (0..<shape.elementCount).map { index in
        let (image, c) = (index / channels, index % channels)
        return (0..<pixels).map { x[0][(image * pixels + $0) * channels + c] }.max() ?? 0
      }
    case .flatten(let height, let width, let channelsFirst):
      let (pixels, channels) = (height * width, inputs[0].shape[3])
      return (0..<shape.elementCount).map { index in
        let (image, place) = (index / shape[1], index % shape[1])
        let (c, pixel) =
          channelsFirst ? (place / pixels, place % pixels) : (place % channels, place / channels)
        return x[0][(image * pixels + pixel) * channels + c]
      }
    }
  }

  private static func positions(_ shape: Shape) -> [(Int, Int, Int, Int)] {
    // Features are images of one pixel.
    let shape = shape.rank == 4 ? shape : [shape[0], 1, 1, shape[1]]
    return (0..<shape.elementCount).map { index in
      let (pixel, c) = (index / shape[3], index % shape[3])
      return (pixel / shape[2] / shape[1], pixel / shape[2] % shape[1], pixel % shape[2], c)
    }
  }

  private static func convolve(
    _ x: [Double], _ input: Shape, _ conv: Operation.Convolution, _ weight: [Double],
    _ bias: [Double], _ shape: Shape
  ) -> [Double] {
    let (size, channels) = (conv.kernel, conv.inputChannels)
    var weight = weight
    if let epsilon = conv.weightStandardizationEpsilon {
      let count = channels * size * size
      for filter in 0..<conv.outputChannels {
        let range = filter * count..<(filter + 1) * count
        let mean = weight[range].reduce(0, +) / Double(count)
        let variance = weight[range].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
        for index in range {
          // Rounded as it would be if the kernel were stored.
          weight[index] = Double(Float((weight[index] - mean) / (variance + epsilon).squareRoot()))
        }
      }
    }
    var (top, left) = (0, 0)
    switch conv.padding {
    case .each(let padding): (top, left) = (padding, padding)
    case .same:
      top = max((shape[1] - 1) * conv.stride + (size - 1) * conv.dilation + 1 - input[1], 0) / 2
      left = max((shape[2] - 1) * conv.stride + (size - 1) * conv.dilation + 1 - input[2], 0) / 2
    }
    return positions(shape).map { n, y, x1, c in
      var sum = bias.isEmpty ? 0 : bias[c]
      for dy in 0..<size {
        for dx in 0..<size {
          let iy = y * conv.stride + dy * conv.dilation - top
          let ix = x1 * conv.stride + dx * conv.dilation - left
          guard iy >= 0, iy < input[1], ix >= 0, ix < input[2] else { continue }
          for channel in 0..<channels {
            sum +=
              x[((n * input[1] + iy) * input[2] + ix) * channels + channel]
              * weight[((c * channels + channel) * size + dy) * size + dx]
          }
        }
      }
      return sum
    }
  }

  private static func groupNorm(
    _ x: [Double], _ shape: Shape, _ groups: Int, _ epsilon: Double, _ channels: Int,
    _ scale: [Double], _ shift: [Double]
  ) -> [Double] {
    let perGroup = max(channels / groups, 1)
    let all = positions(shape)
    var result = x
    for image in 0..<shape[0] {
      for group in 0..<(channels + perGroup - 1) / perGroup {
        let members = all.indices.filter { all[$0].0 == image && all[$0].3 / perGroup == group }
        let mean = members.reduce(0) { $0 + x[$1] } / Double(members.count)
        let variance =
          members.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(members.count)
        for index in members {
          let c = all[index].3
          result[index] =
            (x[index] - mean) / (variance + epsilon).squareRoot() * scale[c] + shift[c]
        }
      }
    }
    return result
  }

  private static func pooled(
    _ x: [Double], _ input: Shape, _ pool: Operation.Pool, _ shape: Shape, isMean: Bool
  ) -> [Double] {
    var (top, left, border): (Int, Int, Double?) = (0, 0, nil)
    switch pool.padding {
    case .zero(let padding): (top, left, border) = (padding, padding, 0)
    case .ignored(let padding): (top, left) = (padding, padding)
    case .same:
      top = max((shape[1] - 1) * pool.stride + pool.size - input[1], 0) / 2
      left = max((shape[2] - 1) * pool.stride + pool.size - input[2], 0) / 2
    }
    return positions(shape).map { n, y, x1, c in
      var values: [Double] = []
      for dy in 0..<pool.size {
        for dx in 0..<pool.size {
          let (iy, ix) = (y * pool.stride + dy - top, x1 * pool.stride + dx - left)
          if iy >= 0, iy < input[1], ix >= 0, ix < input[2] {
            values.append(x[((n * input[1] + iy) * input[2] + ix) * shape[3] + c])
          } else if let border {
            values.append(border)
          }
        }
      }
      return isMean ? values.reduce(0, +) / Double(values.count) : values.max() ?? 0
    }
  }
}
