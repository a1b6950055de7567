import Inference
import Tensors

extension Activation {
  /// Whether each image is as good as the same in all its pixels.
  var isPlain: Bool {
    let channels = shape[3]
    let image = shape[1] * shape[2] * channels
    return stride(from: 0, to: values.count, by: max(image, 1)).allSatisfy { start in
      (0..<channels).allSatisfy { channel in
        let pixels = stride(from: start + channel, to: start + image, by: channels).lazy.map {
          values[$0]
        }
        guard let lowest = pixels.min(), let highest = pixels.max() else { return true }
        return highest - lowest <= 0.01
      }
    }
  }

  /// Whether all channels of a pixel are the same: their order does not show.
  var isGrey: Bool {
    let channels = shape[3]
    guard channels > 1 else { return false }
    return values.indices.allSatisfy { values[$0] == values[$0 - $0 % channels] }
  }

  /// What to say of values that were computed from such images.
  static func plainRemark(of name: String) -> String {
    "the images of \(name) are of one colour: values that agree on them tell little of a network"
  }
}
