/// What is wrong with a layer, in the words of its family.
package struct Suspicion: Hashable, Sendable {
  /// The explanation, such as `gamma and beta are swapped`.
  package let explanation: String

  /// The scaled error of the layer when that is put right; `nil` where the explanation only says
  /// where the error is.
  package let scaledError: Double?

  /// Describes a suspicion.
  package init(explanation: String, scaledError: Double?) {
    self.explanation = explanation
    self.scaledError = scaledError
  }
}
