import Files
import Images
import Inference
import RNW
import Threads
import WeightSources

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the tool runs on and with: what a report of a fault should have.
package struct Doctor: Encodable, Sendable {
  private let schema = "rnw.doctor/1"
  /// The version of this tool.
  package let version: String
  /// The system's name and version.
  package let system: String
  /// The processor's architecture, such as `x86_64`.
  package let architecture: String
  /// What the processor calls itself; `nil` where the system does not say.
  package let processor: String?
  /// How many threads the processor runs at once.
  package let threads: Int
  /// The instruction sets that there are kernels for and that can be used here; the last one is.
  package let instructionSets: [String]
  /// The program that reads HDF5, and its library; what is wrong where it cannot be had.
  package let hdf5: HDF5
  /// Other libraries, with their versions.
  package let libraries: [String: String]

  /// The program in which libhdf5 runs.
  package struct HDF5: Encodable, Sendable {
    package let program: String?
    package let version: String?
    package let problem: String?
  }

  /// Whether everything is there.
  package var isHealthy: Bool { hdf5.problem == nil }

  /// Looks at the machine.
  package init() {
    version = PackageVersion.text
    var name = utsname()
    uname(&name)
    system = "\(text(of: name.sysname)) \(text(of: name.release))"
    architecture = text(of: name.machine)
    processor = Self.processorName
    threads = WorkerPool.processorCount
    instructionSets = InstructionSet.allCases.filter(\.isAvailable).map(\.rawValue)
    do {
      let found = try LibraryVersions.hdf5()
      hdf5 = HDF5(program: found.program, version: found.version, problem: nil)
    } catch {
      let hint = error.hint.map { "; \($0)" } ?? ""
      hdf5 = HDF5(program: nil, version: nil, problem: error.description + hint)
    }
    var libraries = ["zlib": LibraryVersions.zlib]
    for library in ImageFile.libraries { libraries[library.name] = library.version }
    self.libraries = libraries
  }

  /// The name that Linux gives the processor.
  private static var processorName: String? {
    guard let file = fopen("/proc/cpuinfo", "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(
        decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      let parts = text.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].hasPrefix("model name") else { continue }
      return parts[1].split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    return nil
  }
}

/// The text in one of the system's fixed fields.
private func text<Field>(of field: Field) -> String {
  withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
