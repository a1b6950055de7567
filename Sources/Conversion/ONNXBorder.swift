import ResNetV2
import SourceGraph

/// The border of a window in the words of ONNX.
struct ONNXBorder {
  let width: Int
  let isSame: Bool

  /// Returns `nil` for a border that counts.
  init?(_ padding: Operation.Pool.Padding) {
    switch padding {
    case .zero(let width):
      guard width == 0 else { return nil }
      (self.width, isSame) = (width, false)
    case .ignored(let width): (self.width, isSame) = (width, false)
    case .same: (width, isSame) = (0, true)
    }
  }

  func attributes(size: Int, stride: Int) -> [String: ONNXModel.Attribute] {
    var attributes: [String: ONNXModel.Attribute] = [
      "kernel_shape": .integers([size, size]), "strides": .integers([stride, stride]),
    ]
    if isSame {
      attributes["auto_pad"] = .text("SAME_UPPER")
    } else if width > 0 {
      attributes["pads"] = .integers([width, width, width, width])
    }
    return attributes
  }
}
