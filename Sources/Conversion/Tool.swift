import FoundationEssentials

/// What the tool is and what it runs on.
package enum Tool {
  /// The version, as written into files and reports.
  package static let version = "0.1.0"

  /// The number of processors that this process may use.
  package static let coreCount = max(ProcessInfo.processInfo.activeProcessorCount, 1)
}
