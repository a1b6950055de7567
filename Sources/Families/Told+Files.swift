package import Files
package import ResNetV2
import Tensors

extension Told {
  /// A configuration that shapes and a family gave, with what is told in it.
  ///
  /// - Throws: `InputError` where the network has no such option, or where what shapes show cannot be the family's and
  ///   nothing is told.
  func completing(
    _ configuration: Configuration, of family: Family, path: String
  ) throws(InputError) -> Configuration {
    let result = try completed(configuration, path: path)
    if result.head.classes == 1, result.head.lastActivation == .softmax, activation == nil {
      throw InputError(
        .badData, path: path, "has one class",
        place: "under the softmax of \(family.title) that would always be 1",
        hint: "--activation sigmoid or --activation none tells what is there")
    }
    return result
  }

  /// A configuration with what is told in it.
  ///
  /// - Throws: `InputError` where the network has no such option.
  package func completed(
    _ configuration: Configuration, path: String
  ) throws(InputError) -> Configuration {
    do {
      return try applied(to: configuration)
    } catch {
      throw InputError(
        .badData, path: path, "cannot be what is told of it", place: error.description)
    }
  }

  /// Checks that a network whose file tells what it is is what is told of it.
  ///
  /// - Throws: `InputError` that names the first option that differs.
  package func requireSame(as configuration: Configuration, path: String) throws(InputError) {
    for (option, value) in record.sorted(by: { $0.key < $1.key }) {
      guard (try? only(option).applied(to: configuration)) != configuration else { continue }
      throw InputError(
        .badData, path: path, "tells another \(option) itself than \(value)",
        hint: "what a file tells of its network is taken from it: leave the option out")
    }
  }

  /// What is told of one option.
  private func only(_ option: String) -> Told {
    var told = Told()
    switch option {
    case "head.activation": told.activation = activation
    case "head.pooling": told.pooling = pooling
    case "norm.epsilon" where epsilon != nil: told.epsilon = epsilon
    case "input.scale", "input.offset":
      (told.inputScale, told.inputOffset) = (inputScale, inputOffset)
    default: told.settings = settings.filter { $0.path == option }
    }
    return told
  }
}
