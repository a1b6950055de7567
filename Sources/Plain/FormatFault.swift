/// A broken rule of a format, before anybody knows which file it is in.
package struct FormatFault: Error, Hashable, Sendable {
  /// What is wrong, such as `its header has two entries named x`.
  package let problem: String

  /// Where, such as `byte 17` or the name of a tensor.
  package let place: String

  package init(problem: String, place: String) {
    self.problem = problem
    self.place = place
  }
}
