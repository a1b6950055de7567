import ArgumentParser
import Conversion
import Plain

/// `rnw doctor`.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Tell what the tool runs on and with, for a report of a fault.",
    discussion: """
      Exit status 1 where something that is needed is missing.

      EXAMPLES
        rnw doctor
        rnw doctor --json
      """)

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    let doctor = Doctor()
    try StandardOutput.conclude(passes: doctor.isHealthy) {
      try StandardOutput.write(doctor, asJSON: json, text: doctor.text)
    }
  }
}

extension Doctor {
  fileprivate var text: String {
    var lines = [
      ("rnw", version), ("system", "\(system), \(architecture)"),
      ("processor", "\(processor ?? "unknown"), \(counted(threads, "thread"))"),
      (
        "kernels",
        "\(instructionSets.last ?? "none") (of \(instructionSets.joined(separator: ", ")))"
      ),
    ]
    if let program = hdf5.program {
      lines.append(("HDF5", "\(hdf5.version ?? ""), in \(program)"))
    } else {
      lines.append(("HDF5", "MISSING: \(hdf5.problem ?? "")"))
    }
    lines += libraries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    return lines.map { "\($0.0.padded(to: 14)) \($0.1)".escapingControlCharacters + "\n" }.joined()
  }
}
