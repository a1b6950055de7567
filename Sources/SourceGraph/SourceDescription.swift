package import Plain
package import Tensors

/// A source with a description of its network beside the weights, in words of whoever wrote it.
///
/// It is no graph: a family that knows the words reads options from it and holds it against the tensors.
package protocol DescriptionCarrier: WeightSource {
  /// The description.
  var carriedDescription: JSONValue { get }
}

extension WeightSource {
  /// What the source says of its network; `nil` where it says nothing.
  package var networkDescription: JSONValue? {
    (self as? any DescriptionCarrier)?.carriedDescription
  }
}
