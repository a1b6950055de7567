/// What a user's environment says of output on a terminal.
package struct TerminalWishes: Hashable, Sendable {
  /// Whether colours may be shown: not where `NO_COLOR` has a value, `CLICOLOR` is 0, or the terminal is `dumb`.
  ///
  /// By the conventions of <https://no-color.org> and <https://bixense.com/clicolors>.
  package let allowsColours: Bool

  /// Whether a line may be drawn again, as progress is.
  package let allowsRedrawing: Bool

  /// Reads the environment.
  ///
  /// - Parameter variable: gives the value of a variable, `nil` where there is none.
  package init(_ variable: (String) -> String?) {
    allowsRedrawing = variable("TERM") != "dumb"
    allowsColours =
      allowsRedrawing && (variable("NO_COLOR") ?? "").isEmpty && variable("CLICOLOR") != "0"
  }
}
