/// The version of this package: of the tool, of its libraries, and of the records in files.
package enum PackageVersion {
  /// As it stands in files, reports and `rnw --version`.
  package static let text = "0.1.0"
}
