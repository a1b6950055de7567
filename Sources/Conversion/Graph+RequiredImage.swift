import Files
import ResNetV2
import Tensors

extension Graph {
  /// The image that an exported network takes, where its head flattens features; `nil` where any size fits.
  ///
  /// Several sizes may be flattened to as many pixels: the usual one is meant, if it is one of them.
  func requiredImage(usual: Shape, path: String) throws -> Shape? {
    guard case .flatten = configuration.head.pooling else { return nil }
    if (try? shapes(for: usual)) != nil { return usual }
    guard let size = usualInput(side: usual[1]) else {
      throw InputError(
        .cannotCreate, path: path, "has a head that fits no size of images",
        place: "\(configuration.head.pooling)")
    }
    return size
  }
}
