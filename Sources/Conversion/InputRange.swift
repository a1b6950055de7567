import Families
import Inference
import Plain
import Tensors

extension Model {
  /// What is to be said of an array's values that no preprocessing of the family makes: mostly, that it was forgotten or
  /// done twice.
  ///
  /// - Parameter path: the array's file; `nil` where the family's own preprocessing made the values.
  func rangeRemark(on input: Activation, from path: String?) throws -> String? {
    guard let path else { return nil }
    let usual = try preprocessing().values
    let largest = input.values.reduce(Float(0)) { max($0, $1.magnitude) }
    let usualLargest = max(usual.lowerBound.magnitude, usual.upperBound.magnitude)
    // Photos may be dark or a little out of range; a factor of 255 is neither.
    let isFar = Double(largest) > 4 * usualLargest || Double(largest) < usualLargest / 32
    guard isFar, usualLargest > 0 else { return nil }
    return
      "the values of \(fileName(of: path)) reach \(readable(Double(largest))); images prepared for this network "
      + "are within \(readable(usual.lowerBound)) … \(readable(usual.upperBound))"
  }
}
