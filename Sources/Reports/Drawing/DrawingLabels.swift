import ResNetV2
import Tensors

extension Operation {
  /// What stands in the operation's box.
  var label: String {
    switch self {
    case .input(let channels):
      return "input · \(channels)"
    case .convolution(let conv):
      let stride = conv.stride == 1 ? "" : " · stride \(conv.stride)"
      let dilation = conv.dilation == 1 ? "" : " · dilation \(conv.dilation)"
      return "conv \(conv.kernel)×\(conv.kernel) · \(conv.outputChannels)\(stride)\(dilation)"
    case .adjust(let scale, let offset, let reversesChannels):
      let parts = [
        reversesChannels ? "reverse channels" : nil, scale.isEmpty ? nil : "scale",
        offset.isEmpty ? nil : "offset",
      ]
      return parts.compactMap { $0 }.joined(separator: " · ")
    case .norm(.batch, _, _): return "batch norm"
    case .norm(.group(let count, _), _, _): return "group norm · \(count)"
    case .activation(let activation): return activation.title
    case .maxPool(let pool): return "max pool \(pool.size)×\(pool.size) · stride \(pool.stride)"
    case .averagePool(let pool): return "mean \(pool.size)×\(pool.size) · stride \(pool.stride)"
    case .subsample(let stride): return "subsample · stride \(stride)"
    case .add: return "+"
    case .padChannels(let before, let after): return "channels of zeros · \(before + after)"
    case .globalAverage: return "mean over the image"
    case .globalMaximum: return "maximum over the image"
    case .flatten: return "flatten"
    case .dense(_, let classes, _): return "dense · \(classes)"
    }
  }

  /// The operation in a sentence.
  var phrase: String {
    switch self {
    case .add: "addition"
    case .convolution, .input, .adjust, .norm, .activation, .maxPool, .averagePool, .subsample,
      .padChannels, .globalAverage, .globalMaximum, .flatten, .dense:
      label.replacingSeparators
    }
  }

  /// The class of the operation's box in the style sheet.
  var drawingStyle: String {
    switch self {
    case .convolution, .dense: "conv"
    case .norm: "norm"
    case .activation: "relu"
    case .maxPool, .averagePool, .subsample, .padChannels, .globalAverage, .globalMaximum,
      .flatten, .input, .adjust, .add:
      "pool"
    }
  }
}

extension String {
  fileprivate var replacingSeparators: String {
    map { $0 == "·" ? "," : String($0) }.joined().split(separator: " ,").joined(separator: ",")
  }
}

extension Shape {
  /// The size of an image as height × width × channels, without the number of images.
  var imageLabel: String {
    dimensions.dropFirst().map(String.init).joined(separator: "×")
  }
}
