package import Files
package import Inference
import Tensors

extension Activation {
  /// Checks that every value of an input is a number: NaN and infinity go through a network and prove
  /// nothing.
  ///
  /// - Parameters:
  ///   - path: the file that the input comes from.
  ///   - firstImage: the number of the first image in that file, from 0.
  /// - Throws: `InputError` that names the first value that is none.
  package func requireFinite(path: String, firstImage: Int = 0) throws(InputError) {
    guard let index = values.firstIndex(where: { !$0.isFinite }) else { return }
    var rest = index
    var position: [Int] = []
    for size in shape.dimensions.reversed() {
      position.insert(rest % size, at: 0)
      rest /= size
    }
    let others = values.count { !$0.isFinite } - 1
    let more = others > 0 ? ", and \(others) more" : ""
    let image = firstImage + (position.first ?? 0)
    throw InputError(
      .badData, path: path, "has an input value that is not finite",
      place: "\(values[index]) in image \(image) at \(Array(position.dropFirst()))\(more); "
        + "numbers were expected")
  }
}
