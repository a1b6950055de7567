package import ResNetV2
package import SourceGraph
package import Tensors

extension SourceOperation {
  /// The operation of a network's graph that does the same; `nil` where none does.
  ///
  /// - Parameters:
  ///   - padding: the zeros just before.
  ///   - shape: the shape of what is read.
  ///   - other: the operation that it is compared with.
  package func operation(
    after padding: SourceOperation?, reading shape: Shape, as other: Operation
  ) -> Operation? {
    let channels = shape[shape.rank - 1]
    switch self {
    case .input: return .input(channels: channels)
    case .convolution(let conv):
      guard conv.height == conv.width, let zeros = conv.padding(after: padding) else { return nil }
      return .convolution(
        .init(
          kernel: conv.height, stride: conv.stride,
          // A single tap has no neighbour.
          dilation: conv.height == 1 ? 1 : conv.dilation, padding: zeros, inputChannels: channels,
          outputChannels: conv.outputs, hasBias: conv.hasBias))
    case .maxPool(let window):
      if window.size == 1, padding == nil { return .subsample(stride: window.stride) }
      guard let width = padding.evenWidth, !window.isSame || padding == nil else { return nil }
      // A border of nothing is both.
      let isIgnored = width == 0 ? !other.isZeroPadded : padding.isNegativeInfinity
      return .maxPool(
        .init(
          size: window.size, stride: window.stride,
          padding: window.isSame ? .same : isIgnored ? .ignored(width) : .zero(width)))
    case .averagePool(let window):
      guard padding == nil else { return nil }
      // Without an image that is cut off, SAME and VALID windows are the same.
      let isWhole = shape.rank == 4 && [1, 2].allSatisfy { shape[$0].isMultiple(of: window.size) }
      let isSame = window.isSame || (isWhole && window.size == window.stride && other.isSamePool)
      return .averagePool(
        .init(size: window.size, stride: window.stride, padding: isSame ? .same : .ignored(0)))
    case .batchNorm(let norm):
      return .norm(.batch(epsilon: norm.epsilon), channels: channels, affine: norm.affine)
    case .groupNorm(let norm, let groups):
      return .norm(
        .group(count: groups, epsilon: norm.epsilon), channels: channels, affine: norm.affine)
    case .activation(let function):
      return .activation(function)
    case .padChannels(let before, let after): return .padChannels(before: before, after: after)
    case .merge(.add): return .add
    case .globalAverage: return .globalAverage
    case .globalMaximum: return .globalMaximum
    case .flatten(let channelsFirst):
      guard shape.rank == 4 else { return nil }
      return .flatten(height: shape[1], width: shape[2], channelsFirst: channelsFirst)
    case .reshape(let sizes):
      guard shape.rank == 4, sizes.count == 1 else { return nil }
      return .flatten(height: shape[1], width: shape[2], channelsFirst: false)
    case .dense(let outputs, let hasBias):
      return .dense(inputChannels: channels, outputChannels: outputs, hasBias: hasBias)
    default:
      return nil
    }
  }

  /// The options that make an operation another one than a ResNet has.
  package func remark(after padding: SourceOperation?) -> String? {
    switch self {
    case .convolution(let conv):
      "kernel \(conv.height)×\(conv.width), stride \(conv.stride), \(conv.isSame ? "same" : "valid")"
        + (conv.dilation == 1 ? "" : ", dilation \(conv.dilation)")
        + (padding == nil ? "" : ", after zero padding")
    case .maxPool(let window), .averagePool(let window):
      "window \(window.size)×\(window.size), stride \(window.stride), "
        + (window.isSame ? "same" : "valid") + (padding == nil ? "" : ", after zero padding")
    case .activation(let function): function.title
    case .identity: "which changes nothing"
    case .batchNorm(let norm), .groupNorm(let norm, _): "ε \(norm.epsilon)"
    default: nil
    }
  }
}

extension SourceOperation.Convolution {
  /// The border of a convolution and of the zeros before it; `nil` where no network has such a one.
  func padding(after padding: SourceOperation?) -> Operation.Convolution.Padding? {
    guard !padding.isNegativeInfinity else { return nil }
    guard isSame else { return padding.evenWidth.map { .each($0) } }
    guard padding == nil else { return nil }
    // As many zeros on every side, whatever the size of the image.
    let isEven = height == 1 || (stride == 1 && !height.isMultiple(of: 2))
    return isEven ? .each(height / 2 * dilation) : .same
  }
}

extension SourceOperation.Norm {
  var affine: Operation.Affine {
    .init(hasScale: hasScale, hasShift: hasShift, hasStatistics: hasStatistics)
  }
}

extension Optional where Wrapped == SourceOperation {
  /// The rows of a border on each side, where there are as many on every side; 0 without one.
  var evenWidth: Int? {
    guard let padding = self else { return 0 }
    guard case .padding(let border) = padding, border.top == border.bottom,
      border.left == border.right, border.top == border.left
    else { return nil }
    return border.top
  }

  /// Whether the values of a border never win in a max-pool.
  var isNegativeInfinity: Bool {
    if case .padding(let border) = self { border.isNegativeInfinity } else { false }
  }
}

extension Operation {
  fileprivate var isZeroPadded: Bool {
    if case .maxPool(let pool) = self, case .zero = pool.padding { true } else { false }
  }

  fileprivate var isSamePool: Bool {
    if case .averagePool(let pool) = self, pool.padding == .same { true } else { false }
  }
}
