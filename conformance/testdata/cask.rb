# Reads a cask as Homebrew would on one kind of machine, and prints what it asks for as JSON: ruby cask.rb FILE SYSTEM ARCH
require "json"

SYSTEM, ARCH = ARGV[1], ARGV[2]
ASKED = Hash.new { |asked, stanza| asked[stanza] = [] }

module OS
  def self.mac? = SYSTEM == "macos"
end

class Reader
  %w[macos linux].each { |system| define_method("on_#{system}") { |&block| instance_eval(&block) if SYSTEM == system } }
  %w[intel arm].each { |arch| define_method("on_#{arch}") { |&block| instance_eval(&block) if ARCH == arch } }
  def version(*value) = value.empty? ? @version : ASKED["version"] << (@version = value.first)
  def staged_path = "STAGED"
  def system_command(program, args:) = ASKED["system_command"] << [program, *args]
  def method_missing(stanza, *values, **named, &block)
    return instance_eval(&block) if block && stanza == :postflight
    values << named unless named.empty?
    ASKED[stanza.to_s].concat(values)
  end
  def respond_to_missing?(*) = true
end

def cask(name, &block)
  ASKED["cask"] << name
  Reader.new.instance_eval(&block)
end

load ARGV[0]
puts JSON.generate(ASKED)
